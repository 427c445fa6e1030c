-- The sum of three shifted integers:
-- y = (a * 2^A_SHIFT +- b * 2^B_SHIFT +- c * 2^C_SHIFT) / 2^DROP, rounded down, modulo 2^Y_WIDTH.
--
-- Below the lower of bits B_SHIFT and C_SHIFT the result is a alone, so that only the bits above it form carry chains.
-- Shifts are not negative. Terms that are added come before terms that are subtracted, in ascending order of shifts.
-- No operand reaches above the result: its shift and width together are at most DROP + Y_WIDTH.
-- Combinational. STYLE 0 is the plain sum, for tools that map both additions together to one LUT6 per bit; others make
-- two adders of it. STYLE 4 and 8 are those LUTs as cells of Xilinx' devices: LUT6_2 on CARRY4 or on CARRY8. The LUT
-- of a bit makes the sum and the majority of the three operand bits; the carry chain adds the sums to the majorities of
-- the bits below. Of the two ones that complete the complements, one is the carry in, one the majority below bit 0.
-- Cost: for n bits above the lowest of b and c: n LUTs in STYLE 4 and 8, about 1.8 n of the plain sum in Yosys.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity da4ml_ternary_adder is
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
        -- b counts times 2^B_SHIFT.
        B_SHIFT : natural := 0;
        -- 1 to subtract b.
        SUBTRACT_B : natural range 0 to 1 := 0;
        -- Bits of c.
        C_WIDTH : positive := 8;
        -- 1 if c is two's complement, 0 if unsigned.
        C_SIGNED : natural range 0 to 1 := 1;
        -- c counts times 2^C_SHIFT.
        C_SHIFT : natural := 0;
        -- 1 to subtract c.
        SUBTRACT_C : natural range 0 to 1 := 0;
        -- Low bits of the result that are left out.
        DROP : natural := 0;
        -- Bits of y.
        Y_WIDTH : positive := 10;
        -- 0: the plain sum; 4, 8: LUT6_2 cells on CARRY4, CARRY8.
        STYLE : natural range 0 to 8 := 0
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
    signal upper : unsigned(CHAIN - 1 downto 0);  -- what the chains make
    signal sum : unsigned(TOP - 1 downto 0);

    component LUT6_2 is
        generic (
            INIT : bit_vector(63 downto 0)
        );
        port (
            I0, I1, I2, I3, I4, I5 : in std_ulogic;
            O5, O6 : out std_ulogic
        );
    end component LUT6_2;

    component CARRY4 is
        port (
            CI, CYINIT : in std_ulogic;
            DI, S : in std_logic_vector(3 downto 0);
            O, CO : out std_logic_vector(3 downto 0)
        );
    end component CARRY4;

    component CARRY8 is
        port (
            CI, CI_TOP : in std_ulogic;
            DI, S : in std_logic_vector(7 downto 0);
            O, CO : out std_logic_vector(7 downto 0)
        );
    end component CARRY8;

    -- Functions of {c, b, a}, and of {majority below, c, b, a}, in which what is subtracted is complemented.
    function lut_init return bit_vector is
        type majorities is array (natural range 0 to 3) of bit_vector(7 downto 0);
        type parities is array (natural range 0 to 1) of bit_vector(15 downto 0);
        constant MAJORITY : majorities := (x"e8", x"8e", x"b2", x"2b");
        constant PARITY : parities := (x"6996", x"9669");
        constant M : bit_vector(7 downto 0) := MAJORITY(2 * SUBTRACT_B + SUBTRACT_C);
        constant P : bit_vector(15 downto 0) := PARITY((SUBTRACT_B + SUBTRACT_C) mod 2);
    begin
        return P & P & M & M & M & M;
    end function lut_init;
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
    plain : if STYLE = 0 generate
        signal partial : unsigned(CHAIN - 1 downto 0);
    begin
        b_subtracted : if SUBTRACT_B = 1 generate
            partial <= a_full(TOP - 1 downto FOOT) - b_full;
        else generate
            partial <= a_full(TOP - 1 downto FOOT) + b_full;
        end generate b_subtracted;
        c_subtracted : if SUBTRACT_C = 1 generate
            upper <= partial - c_full;
        else generate
            upper <= partial + c_full;
        end generate c_subtracted;
    else generate
        constant GROUPS : positive := (CHAIN + STYLE - 1) / STYLE;
        constant BITS : positive := GROUPS * STYLE;
        signal majority : std_logic_vector(CHAIN downto 0);
        signal propagate : std_logic_vector(BITS - 1 downto 0);
        signal generated : std_logic_vector(BITS - 1 downto 0);
        signal result : std_logic_vector(BITS - 1 downto 0);
        signal carry : std_logic_vector(BITS downto 0);
    begin
        majority(0) <= '1' when SUBTRACT_B = 1 else '0';
        carry(0) <= '1' when SUBTRACT_C = 1 else '0';
        generated(CHAIN - 1 downto 0) <= majority(CHAIN - 1 downto 0);
        beyond : if BITS > CHAIN generate
            propagate(BITS - 1 downto CHAIN) <= (others => '0');
            generated(BITS - 1 downto CHAIN) <= (others => '0');
        end generate beyond;
        place : for i in 0 to CHAIN - 1 generate
            compress : component LUT6_2
                generic map (INIT => lut_init)
                port map (
                    I0 => a_full(FOOT + i), I1 => b_full(i), I2 => c_full(i), I3 => majority(i), I4 => '0', I5 => '1',
                    O5 => majority(i + 1), O6 => propagate(i)
                );
        end generate place;
        group_of_bits : for i in 0 to GROUPS - 1 generate
            constant LOW : natural := i * STYLE;
        begin
            wide : if STYLE = 8 generate
                add : component CARRY8
                    port map (
                        CI => carry(LOW), CI_TOP => '0', DI => generated(LOW + 7 downto LOW),
                        S => propagate(LOW + 7 downto LOW), O => result(LOW + 7 downto LOW),
                        CO => carry(LOW + 8 downto LOW + 1)
                    );
            elsif i = 0 generate
                first : component CARRY4
                    port map (
                        CI => '0', CYINIT => carry(0), DI => generated(3 downto 0), S => propagate(3 downto 0),
                        O => result(3 downto 0), CO => carry(4 downto 1)
                    );
            else generate
                add : component CARRY4
                    port map (
                        CI => carry(LOW), CYINIT => '0', DI => generated(LOW + 3 downto LOW),
                        S => propagate(LOW + 3 downto LOW), O => result(LOW + 3 downto LOW),
                        CO => carry(LOW + 4 downto LOW + 1)
                    );
            end generate wide;
        end generate group_of_bits;
        upper <= unsigned(result(CHAIN - 1 downto 0));
    end generate plain;
    sum(TOP - 1 downto FOOT) <= upper;

    y <= std_logic_vector(sum(TOP - 1 downto DROP));
end architecture rtl;
