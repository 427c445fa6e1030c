-- The sum or difference of two shifted integers:
-- y = (a * 2^A_SHIFT +- b * 2^B_SHIFT) / 2^DROP, rounded down, modulo 2^Y_WIDTH.
--
-- Below bit B_SHIFT the result is a alone, so that only the bits above it form a carry chain.
-- Shifts are not negative. A sum has A_SHIFT <= B_SHIFT (swap the operands otherwise); a difference may have any.
-- No operand reaches above the result: A_SHIFT + A_WIDTH and B_SHIFT + B_WIDTH are at most DROP + Y_WIDTH.
-- Combinational.
-- Cost: one carry chain: a LUT for each bit of the result above bit B_SHIFT, none below it.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity da4ml_shift_adder is
    generic (
        -- Bits of a.
        A_WIDTH : positive := 8;
        -- 1 if a is two's complement, 0 if unsigned.
        A_SIGNED : natural range 0 to 1 := 1;
        -- a counts times 2^A_SHIFT.
        A_SHIFT : natural := 0;
        -- Bits of b.
        B_WIDTH : positive := 8;
        -- 1 if b is two's complement, 0 if unsigned.
        B_SIGNED : natural range 0 to 1 := 1;
        -- b counts times 2^B_SHIFT; where the carry chain begins.
        B_SHIFT : natural := 0;
        -- 1 to subtract b.
        SUBTRACT : natural range 0 to 1 := 0;
        -- Low bits of the result that are left out.
        DROP : natural := 0;
        -- Bits of y.
        Y_WIDTH : positive := 9
    );
    port (
        -- The operand that is never subtracted, two's complement if A_SIGNED.
        a : in std_logic_vector(A_WIDTH - 1 downto 0);
        -- The operand that is subtracted if SUBTRACT, two's complement if B_SIGNED.
        b : in std_logic_vector(B_WIDTH - 1 downto 0);
        -- Bits DROP and up of the result.
        y : out std_logic_vector(Y_WIDTH - 1 downto 0)
    );
end entity da4ml_shift_adder;

architecture rtl of da4ml_shift_adder is
    constant TOP : positive := DROP + Y_WIDTH;

    -- Both operands with their sign up to bit TOP - 1: a from bit 0, b from the foot of the carry chain.
    signal a_full : unsigned(TOP - 1 downto 0);
    signal b_full : unsigned(TOP - 1 downto B_SHIFT);
    signal upper : unsigned(TOP - 1 downto B_SHIFT);  -- what the chain makes
    signal sum : unsigned(TOP - 1 downto 0);
begin
    a_full <= shift_left(unsigned(resize(signed(a), TOP)), A_SHIFT) when A_SIGNED = 1 else
              shift_left(resize(unsigned(a), TOP), A_SHIFT);
    b_full <= unsigned(resize(signed(b), b_full'length)) when B_SIGNED = 1 else
              resize(unsigned(b), b_full'length);

    below : if B_SHIFT > 0 generate
        sum(B_SHIFT - 1 downto 0) <= a_full(B_SHIFT - 1 downto 0);
    end generate below;
    difference : if SUBTRACT = 1 generate
        upper <= a_full(TOP - 1 downto B_SHIFT) - b_full;
    else generate
        upper <= a_full(TOP - 1 downto B_SHIFT) + b_full;
    end generate difference;
    sum(TOP - 1 downto B_SHIFT) <= upper;

    y <= std_logic_vector(sum(TOP - 1 downto DROP));
end architecture rtl;
