-- The conversion of an integer to a fixed-point type:
-- y = overflow(round(a / 2^SHIFT)), the modes of ap_fixed (AMD UG1399).
--
-- ROUNDING  0 TRN        towards minus infinity          OVERFLOW  0 WRAP      modulo 2^Y_WIDTH
--           1 TRN_ZERO   towards zero                              1 SAT       clamped to the range of y
--           2 RND        nearest, ties up                          2 SAT_SYM   clamped, without the most negative code
--           3 RND_ZERO   nearest, ties towards zero                3 SAT_ZERO  zero when out of range
--           4 RND_INF    nearest, ties away from zero
--           5 RND_MIN_INF  nearest, ties down
--           6 RND_CONV   nearest, ties to even
--
-- SHIFT is not negative (append zeros to a otherwise). Combinational.
-- Cost: nothing to drop bits; to round, a carry chain of the result; to saturate, a LUT a bit and a few more.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity da4ml_quantize is
    generic (
        -- Bits of a.
        A_WIDTH : positive := 12;
        -- 1 if a is two's complement, 0 if unsigned.
        A_SIGNED : natural range 0 to 1 := 1;
        -- Bits that rounding removes.
        SHIFT : natural := 4;
        -- 0 TRN, 1 TRN_ZERO, 2 RND, 3 RND_ZERO, 4 RND_INF, 5 RND_MIN_INF, 6 RND_CONV.
        ROUNDING : natural range 0 to 6 := 0;
        -- 0 WRAP, 1 SAT, 2 SAT_SYM, 3 SAT_ZERO.
        OVERFLOW : natural range 0 to 3 := 0;
        -- Bits of y.
        Y_WIDTH : positive := 8;
        -- 1 if y is two's complement, 0 if unsigned.
        Y_SIGNED : natural range 0 to 1 := 1
    );
    port (
        -- The operand, two's complement if A_SIGNED.
        a : in std_logic_vector(A_WIDTH - 1 downto 0);
        -- The result, two's complement if Y_SIGNED.
        y : out std_logic_vector(Y_WIDTH - 1 downto 0)
    );
end entity da4ml_quantize;

architecture rtl of da4ml_quantize is
    function bits_to_check return positive is
    begin
        if OVERFLOW = 0 then
            return Y_WIDTH;
        end if;
        return maximum(A_WIDTH - SHIFT, Y_WIDTH) + 2;
    end function bits_to_check;

    -- The rounded number: modulo 2^Y_WIDTH, or whole and with room for a carry and the sign where its range is checked.
    constant NUMBER_WIDTH : positive := bits_to_check;
    constant WIDE : positive := NUMBER_WIDTH + SHIFT;

    signal negative : std_logic;
    signal extended : unsigned(WIDE - 1 downto 0);
    signal rounded : unsigned(NUMBER_WIDTH - 1 downto 0);
begin
    negative <= a(A_WIDTH - 1) when A_SIGNED = 1 else '0';
    extended <= unsigned(resize(signed(a), WIDE)) when A_SIGNED = 1 and WIDE > A_WIDTH else
                resize(unsigned(a), WIDE);

    rounding_mode : if SHIFT = 0 or ROUNDING = 0 generate
        rounded <= extended(WIDE - 1 downto SHIFT);
    else generate
        signal half : std_logic;
        signal rest : std_logic;  -- whether anything is below the half
        signal up : std_logic;
    begin
        half <= extended(SHIFT - 1);
        some_rest : if SHIFT > 1 generate
            rest <= or extended(SHIFT - 2 downto 0);
        else generate
            rest <= '0';
        end generate some_rest;
        up <= negative and (half or rest) when ROUNDING = 1 else
              half when ROUNDING = 2 else
              half and (negative or rest) when ROUNDING = 3 else
              half and (not negative or rest) when ROUNDING = 4 else
              half and rest when ROUNDING = 5 else
              half and (extended(SHIFT) or rest);
        rounded <= extended(WIDE - 1 downto SHIFT) + up;
    end generate rounding_mode;

    overflow_mode : if OVERFLOW = 0 generate
        y <= std_logic_vector(rounded);
    else generate
        constant ONES : unsigned(Y_WIDTH - 1 downto 0) := (others => '1');
        constant HIGHEST : unsigned(Y_WIDTH - 1 downto 0) := shift_right(ONES, Y_SIGNED);
        -- The symmetric range is one code shorter: the lowest code that fits is excluded.
        constant SYMMETRIC : natural := boolean'pos(OVERFLOW = 2 and Y_SIGNED = 1);
        constant LOWEST : unsigned(Y_WIDTH - 1 downto 0) := (not HIGHEST) + SYMMETRIC;

        alias sign : std_logic is rounded(NUMBER_WIDTH - 1);
        -- The bits that repeat the sign of every number in range.
        alias repeated : unsigned(NUMBER_WIDTH - 2 downto Y_WIDTH - Y_SIGNED) is
            rounded(NUMBER_WIDTH - 2 downto Y_WIDTH - Y_SIGNED);
        alias code : unsigned(Y_WIDTH - 1 downto 0) is rounded(Y_WIDTH - 1 downto 0);
        signal excluded : std_logic;
        signal below : std_logic;  -- the number is less than the lowest code
        signal above : std_logic;  -- the number is more than the highest code
    begin
        excluded <= nor (code xor not HIGHEST) when SYMMETRIC = 1 else '0';
        below <= sign and ((nand repeated) or excluded) when Y_SIGNED = 1 else sign;
        above <= not sign and (or repeated);
        y <= (y'range => '0') when OVERFLOW = 3 and (below or above) = '1' else
             std_logic_vector(LOWEST) when below = '1' else
             std_logic_vector(HIGHEST) when above = '1' else
             std_logic_vector(code);
    end generate overflow_mode;
end architecture rtl;
