-- The product of two numbers, modulo 2^Y_WIDTH.
--
-- Each operand is signed or not by itself; Y_WIDTH is at most A_WIDTH + B_WIDTH. Combinational.
-- Cost: a DSP or more, or two to three LUTs for each bit of a times each bit of b, as the tool decides.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity da4ml_multiplier is
    generic (
        -- Bits of a.
        A_WIDTH : positive := 8;
        -- Whether a is signed (0 or 1).
        A_SIGNED : natural range 0 to 1 := 1;
        -- Bits of b.
        B_WIDTH : positive := 8;
        -- Whether b is signed (0 or 1).
        B_SIGNED : natural range 0 to 1 := 1;
        -- Bits of y, at most A_WIDTH + B_WIDTH.
        Y_WIDTH : positive := 16
    );
    port (
        -- The first factor.
        a : in std_logic_vector(A_WIDTH - 1 downto 0);
        -- The second factor.
        b : in std_logic_vector(B_WIDTH - 1 downto 0);
        -- The low bits of the product.
        y : out std_logic_vector(Y_WIDTH - 1 downto 0)
    );
end entity da4ml_multiplier;

architecture rtl of da4ml_multiplier is
    -- One more bit makes every operand signed; the low bits of the product do not depend on any above them.
    signal a_full : signed(A_WIDTH downto 0);
    signal b_full : signed(B_WIDTH downto 0);
    signal product : signed(A_WIDTH + B_WIDTH + 1 downto 0);
begin
    a_full <= resize(signed(a), A_WIDTH + 1) when A_SIGNED = 1 else signed('0' & a);
    b_full <= resize(signed(b), B_WIDTH + 1) when B_SIGNED = 1 else signed('0' & b);
    product <= a_full * b_full;
    y <= std_logic_vector(product(Y_WIDTH - 1 downto 0));
end architecture rtl;
