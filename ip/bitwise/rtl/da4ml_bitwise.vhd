-- And, or, xor of two vectors.
--
-- Both operands are already as wide as the result. Combinational.
-- Cost: a LUT for each bit, or for two bits where a tool uses both outputs.

library ieee;
use ieee.std_logic_1164.all;

entity da4ml_bitwise is
    generic (
        -- Bits of a, b and y.
        WIDTH : positive := 8;
        -- 0 and, 1 or, 2 xor.
        OPERATION : natural range 0 to 2 := 0
    );
    port (
        -- One operand.
        a : in std_logic_vector(WIDTH - 1 downto 0);
        -- The other.
        b : in std_logic_vector(WIDTH - 1 downto 0);
        -- The function of their bits.
        y : out std_logic_vector(WIDTH - 1 downto 0)
    );
end entity da4ml_bitwise;

architecture rtl of da4ml_bitwise is
begin
    y <= a and b when OPERATION = 0 else a or b when OPERATION = 1 else a xor b;
end architecture rtl;
