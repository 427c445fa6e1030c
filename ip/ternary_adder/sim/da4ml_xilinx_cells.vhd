-- What three cells of Xilinx' devices compute, without their timing: models for simulators alone.
--
-- Written from the truth tables of the libraries guides (AMD UG953, UG974). Synthesis uses the cells of its tool.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

-- Two functions of the same inputs: O5 of I0 to I4 is the lower half of INIT; O6 has also I5, which selects a half.
entity LUT6_2 is
    generic (
        INIT : bit_vector(63 downto 0) := (others => '0')
    );
    port (
        I0, I1, I2, I3, I4, I5 : in std_ulogic;
        O5, O6 : out std_ulogic
    );
end entity LUT6_2;

architecture model of LUT6_2 is
    constant TRUTH : std_logic_vector(63 downto 0) := to_stdlogicvector(INIT);
    signal address : unsigned(4 downto 0);
begin
    address <= (I4, I3, I2, I1, I0);
    O5 <= TRUTH(to_integer(to_01(address)));
    O6 <= TRUTH(to_integer(to_01(I5 & address)));
end architecture model;

library ieee;
use ieee.std_logic_1164.all;

-- A carry chain of four bits: where S is 1 the carry goes on, where it is 0 DI takes its place.
entity CARRY4 is
    port (
        CI, CYINIT : in std_ulogic;
        DI, S : in std_logic_vector(3 downto 0);
        O, CO : out std_logic_vector(3 downto 0)
    );
end entity CARRY4;

architecture model of CARRY4 is
    signal carry : std_logic_vector(4 downto 0);
begin
    carry <= ((S and carry(3 downto 0)) or (not S and DI)) & (CI or CYINIT);
    O <= S xor carry(3 downto 0);
    CO <= carry(4 downto 1);
end architecture model;

library ieee;
use ieee.std_logic_1164.all;

-- The same of eight bits, in one chain; CI_TOP is for two chains of four, which these models do not have.
entity CARRY8 is
    port (
        CI, CI_TOP : in std_ulogic;
        DI, S : in std_logic_vector(7 downto 0);
        O, CO : out std_logic_vector(7 downto 0)
    );
end entity CARRY8;

architecture model of CARRY8 is
    signal carry : std_logic_vector(8 downto 0);
begin
    carry <= ((S and carry(7 downto 0)) or (not S and DI)) & CI;
    O <= S xor carry(7 downto 0);
    CO <= carry(8 downto 1);
end architecture model;
