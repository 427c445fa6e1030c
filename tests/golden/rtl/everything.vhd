-- Program Everything (at once): 5 inputs, 7 outputs, written by da4ml-flow.
--
-- Combinational.

library ieee;
use ieee.std_logic_1164.all;

entity everything is
    generic (
        -- How three operands are added: 0 as a plain sum; 4, 8 in Xilinx' LUT6_2 on CARRY4, on CARRY8.
        TERNARY_STYLE : natural range 0 to 8 := 0
    );
    port (
        -- All input elements, the first in the lowest bits.
        x : in std_logic_vector(14 downto 0);
        -- All output elements, the first in the lowest bits.
        y : out std_logic_vector(28 downto 0)
    );
end entity everything;

architecture rtl of everything is
    -- ---- Logic
    signal v0 : std_logic_vector(5 downto 0);
    signal v1 : std_logic_vector(2 downto 0);
    signal v2 : std_logic_vector(3 downto 0);
    signal v6 : std_logic_vector(7 downto 0);
    signal v7 : std_logic_vector(7 downto 0);
    signal v8 : std_logic_vector(3 downto 0);
    signal v9 : std_logic_vector(2 downto 0);
    signal v10 : std_logic_vector(2 downto 0);
    signal v11 : std_logic_vector(5 downto 0);
begin

    -- ---- Logic

    -- == in
    -- %0 = input x[2] fixed<3,2> RND SAT : [-32, 31]*2^-2
    v0 <= x(12 downto 7);
    -- %1 = input x[0] ufixed<3,0> TRN WRAP : [0, 7]
    v1 <= x(2 downto 0);
    -- %2 = input x[0] fixed<1,2> RND WRAP : [-8, 7]*2^-2
    v2 <= x(6 downto 3);

    -- == dense
    -- %6 = add %0, -%1<<1 : [-88, 31]*2^-2
    make_v6 : entity work.da4ml_shift_adder
        generic map (A_WIDTH => 6, A_SIGNED => 1, B_WIDTH => 3, B_SIGNED => 0, B_SHIFT => 3, SUBTRACT => 1,
                Y_WIDTH => 8)
        port map (a => v0, b => v1, y => v6);
    -- %7 = add %6, %2, %5<<2 : [-56, 78]*2^-2
    make_v7 : entity work.da4ml_ternary_adder
        generic map (A_WIDTH => 8, A_SIGNED => 1, B_WIDTH => 4, B_SIGNED => 1, C_WIDTH => 3, C_SIGNED => 0,
                C_SHIFT => 3, Y_WIDTH => 8, STYLE => TERNARY_STYLE)
        port map (a => v6, b => v2, c => "101", y => v7);
    -- %8 = relu %7 to ufixed<3,1> TRN WRAP : [0, 15]*2^-1
    make_v8 : entity work.da4ml_relu
        generic map (A_WIDTH => 7, Y_WIDTH => 4)
        port map (a => v7(7 downto 1), y => v8);

    -- == out
    -- %9 = quantize %7 to fixed<2,0> RND_CONV SAT_SYM : [-3, 3]
    make_v9 : entity work.da4ml_quantize
        generic map (A_WIDTH => 8, A_SIGNED => 1, SHIFT => 2, ROUNDING => 6, OVERFLOW => 2, Y_SIGNED => 1, Y_WIDTH => 3)
        port map (a => v7, y => v9);
    -- %10 = neg %9 : [-3, 3]
    make_v10 : entity work.da4ml_negate
        generic map (A_WIDTH => 3, A_SIGNED => 1, Y_WIDTH => 3)
        port map (a => v9, y => v10);
    -- %11 = add %10, %8 : [-6, 21]*2^-1
    make_v11 : entity work.da4ml_shift_adder
        generic map (A_WIDTH => 4, A_SIGNED => 0, B_WIDTH => 3, B_SIGNED => 1, B_SHIFT => 1, Y_WIDTH => 6)
        port map (a => v8, b => v10, y => v11);

    -- ---- Outputs
    y(5 downto 0) <= v11;  -- y[0] fixed<4,1>
    y(8 downto 6) <= v10;  -- y[1] fixed<2,0>
    y(11 downto 9) <= v10;  -- y[2] fixed<5,-3>
    y(14 downto 12) <= "101";  -- y[4] ufixed<2,1>
    y(20 downto 15) <= v0;  -- y[5] fixed<3,2>
    y(28 downto 21) <= v6;  -- y[6] fixed<4,3>
end architecture rtl;
