-- The rectified linear unit: max(a, 0) modulo 2^Y_WIDTH.
--
-- The result ends below the sign: Y_WIDTH is at most A_WIDTH - 1. Combinational.
-- Cost: an AND for each bit: a LUT, or one for two bits where a tool uses both outputs.

library ieee;
use ieee.std_logic_1164.all;

entity da4ml_relu is
    generic (
        -- Bits of a.
        A_WIDTH : positive := 8;
        -- Bits of y, at most A_WIDTH - 1.
        Y_WIDTH : positive := 7
    );
    port (
        -- The operand in two's complement.
        a : in std_logic_vector(A_WIDTH - 1 downto 0);
        -- The low bits of the operand, or zero if it is negative.
        y : out std_logic_vector(Y_WIDTH - 1 downto 0)
    );
end entity da4ml_relu;

architecture rtl of da4ml_relu is
begin
    y <= a(Y_WIDTH - 1 downto 0) and not a(A_WIDTH - 1);
end architecture rtl;
