-- The sum of three shifted integers: y = (a * 2^A_SHIFT +- b * 2^B_SHIFT +- c * 2^C_SHIFT) / 2^DROP, rounded down, modulo 2^Y_WIDTH.
--
-- Below the lower of bits B_SHIFT and C_SHIFT the result is a alone, so that only the bits above it form carry chains.
-- Shifts are not negative. Terms that are added come before terms that are subtracted, in ascending order of their shifts.
-- No operand reaches above the result: its shift and width together are at most DROP + Y_WIDTH.
-- Combinational. Meant for tools that map both additions together to one LUT6 per bit; others make two adders of it.
-- STYLE is 0, the plain sum: the cells of Xilinx' devices, styles 4 and 8, are in the Verilog alone.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity da4ml_ternary_adder is
    generic (
        A_WIDTH : positive := 8;
        A_SIGNED : natural range 0 to 1 := 1;
        A_SHIFT : natural := 0;
        B_WIDTH : positive := 8;
        B_SIGNED : natural range 0 to 1 := 1;
        B_SHIFT : natural := 0;
        SUBTRACT_B : natural range 0 to 1 := 0;
        C_WIDTH : positive := 8;
        C_SIGNED : natural range 0 to 1 := 1;
        C_SHIFT : natural := 0;
        SUBTRACT_C : natural range 0 to 1 := 0;
        DROP : natural := 0;
        Y_WIDTH : positive := 10;
        STYLE : natural range 0 to 0 := 0
    );
    port (
        -- The operand that is never subtracted, two's complement if A_SIGNED.
        a : in std_logic_vector(A_WIDTH - 1 downto 0);
        -- The operand that is subtracted if SUBTRACT_B, two's complement if B_SIGNED.
        b : in std_logic_vector(B_WIDTH - 1 downto 0);
        -- The operand that is subtracted if SUBTRACT_C, two's complement if C_SIGNED.
        c : in std_logic_vector(C_WIDTH - 1 downto 0);
        -- Bits DROP and up of the result.
        y : out std_logic_vector(Y_WIDTH - 1 downto 0)
    );
end entity da4ml_ternary_adder;

architecture rtl of da4ml_ternary_adder is
    constant TOP : positive := DROP + Y_WIDTH;
    constant FOOT : natural := minimum(B_SHIFT, C_SHIFT);
    constant CHAIN : positive := TOP - FOOT;

    -- All operands with their sign up to bit TOP - 1: a from bit 0, b and c from the foot of the carry chain.
    signal a_full : unsigned(TOP - 1 downto 0);
    signal b_full : unsigned(CHAIN - 1 downto 0);
    signal c_full : unsigned(CHAIN - 1 downto 0);
    signal partial : unsigned(CHAIN - 1 downto 0);
    signal sum : unsigned(TOP - 1 downto 0);
begin
    a_full <= shift_left(unsigned(resize(signed(a), TOP)), A_SHIFT) when A_SIGNED = 1 else
              shift_left(resize(unsigned(a), TOP), A_SHIFT);
    b_full <= shift_left(unsigned(resize(signed(b), CHAIN)), B_SHIFT - FOOT) when B_SIGNED = 1 else
              shift_left(resize(unsigned(b), CHAIN), B_SHIFT - FOOT);
    c_full <= shift_left(unsigned(resize(signed(c), CHAIN)), C_SHIFT - FOOT) when C_SIGNED = 1 else
              shift_left(resize(unsigned(c), CHAIN), C_SHIFT - FOOT);

    below : if FOOT > 0 generate
        sum(FOOT - 1 downto 0) <= a_full(FOOT - 1 downto 0);
    end generate below;
    b_subtracted : if SUBTRACT_B = 1 generate
        partial <= a_full(TOP - 1 downto FOOT) - b_full;
    else generate
        partial <= a_full(TOP - 1 downto FOOT) + b_full;
    end generate b_subtracted;
    c_subtracted : if SUBTRACT_C = 1 generate
        sum(TOP - 1 downto FOOT) <= partial - c_full;
    else generate
        sum(TOP - 1 downto FOOT) <= partial + c_full;
    end generate c_subtracted;

    y <= std_logic_vector(sum(TOP - 1 downto DROP));
end architecture rtl;
