-- The negative of an integer: y = -a * 2^A_SHIFT / 2^DROP, rounded down, modulo 2^Y_WIDTH.
--
-- The operand does not reach above the result: A_SHIFT + A_WIDTH is at most DROP + Y_WIDTH.
-- Combinational.
-- Cost: one carry chain, a LUT for each bit of the result above bit A_SHIFT.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity da4ml_negate is
    generic (
        -- Bits of a.
        A_WIDTH : positive := 8;
        -- 1 if a is two's complement, 0 if unsigned.
        A_SIGNED : natural range 0 to 1 := 1;
        -- a counts times 2^A_SHIFT.
        A_SHIFT : natural := 0;
        -- Low bits of the result that are left out.
        DROP : natural := 0;
        -- Bits of y.
        Y_WIDTH : positive := 9
    );
    port (
        -- The operand, two's complement if A_SIGNED.
        a : in std_logic_vector(A_WIDTH - 1 downto 0);
        -- Bits DROP and up of the result.
        y : out std_logic_vector(Y_WIDTH - 1 downto 0)
    );
end entity da4ml_negate;

architecture rtl of da4ml_negate is
    constant TOP : positive := DROP + Y_WIDTH;

    signal a_full : signed(TOP - 1 downto 0);
    signal difference : signed(TOP - 1 downto 0);
begin
    a_full <= shift_left(resize(signed(a), TOP), A_SHIFT) when A_SIGNED = 1 else
              shift_left(signed(resize(unsigned(a), TOP)), A_SHIFT);
    difference <= -a_full;
    y <= std_logic_vector(difference(TOP - 1 downto DROP));
end architecture rtl;
