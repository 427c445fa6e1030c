-- Program Everything (at once): 5 inputs, 7 outputs, written by da4ml-flow.
--
-- A result is on y 6 rising edges of clk after its sample was put on x;
-- a new sample every cycle, no reset. 118 register bits.

library ieee;
use ieee.std_logic_1164.all;

entity everything_pipelined is
    generic (
        -- How three operands are added: 0 as a plain sum; 4, 8 in Xilinx' LUT6_2 on CARRY4, on CARRY8.
        TERNARY_STYLE : natural range 0 to 8 := 0
    );
    port (
        -- The clock; its rising edge moves the pipeline.
        clk : in std_logic;
        -- All input elements, the first in the lowest bits.
        x : in std_logic_vector(14 downto 0);
        -- All output elements, the first in the lowest bits.
        y : out std_logic_vector(28 downto 0)
    );
end entity everything_pipelined;

architecture rtl of everything_pipelined is
    -- ---- Inputs
    signal v0 : std_logic_vector(5 downto 0);
    signal v1 : std_logic_vector(2 downto 0);
    signal v2 : std_logic_vector(3 downto 0);
    -- ---- Stage 0
    signal v0_s0 : std_logic_vector(5 downto 0);
    signal v1_s0 : std_logic_vector(2 downto 0);
    signal v6 : std_logic_vector(7 downto 0);
    -- ---- Stage 1
    signal v2_s1 : std_logic_vector(3 downto 0);
    signal v6_s1 : std_logic_vector(7 downto 0);
    signal v7 : std_logic_vector(7 downto 0);
    -- ---- Stage 2
    signal v7_s2 : std_logic_vector(7 downto 0);
    signal v8 : std_logic_vector(3 downto 0);
    signal v9 : std_logic_vector(2 downto 0);
    -- ---- Stage 3
    signal v9_s3 : std_logic_vector(2 downto 0);
    signal v10 : std_logic_vector(2 downto 0);
    -- ---- Stage 4
    signal v8_s4 : std_logic_vector(3 downto 0);
    signal v10_s4 : std_logic_vector(2 downto 0);
    signal v11 : std_logic_vector(5 downto 0);
    -- ---- Stage 5: output registers
    signal v0_s5 : std_logic_vector(5 downto 0);
    signal v6_s5 : std_logic_vector(7 downto 0);
    signal v10_s5 : std_logic_vector(2 downto 0);
    signal v11_s5 : std_logic_vector(5 downto 0);
begin

    -- ---- Inputs

    -- == in
    -- %0 = input x[2] fixed<3,2> RND SAT : [-32, 31]*2^-2
    v0 <= x(12 downto 7);
    -- %1 = input x[0] ufixed<3,0> TRN WRAP : [0, 7]
    v1 <= x(2 downto 0);
    -- %2 = input x[0] fixed<1,2> RND WRAP : [-8, 7]*2^-2
    v2 <= x(6 downto 3);

    -- ---- Stage 0
    stage_0 : process (clk)
    begin
        if rising_edge(clk) then
            v0_s0 <= v0;
            v1_s0 <= v1;
        end if;
    end process stage_0;

    -- == dense
    -- %6 = add %0, -%1<<1 : [-88, 31]*2^-2
    make_v6 : entity work.da4ml_shift_adder
        generic map (A_WIDTH => 6, A_SIGNED => 1, B_WIDTH => 3, B_SIGNED => 0, B_SHIFT => 3, SUBTRACT => 1,
                Y_WIDTH => 8)
        port map (a => v0_s0, b => v1_s0, y => v6);

    -- ---- Stage 1
    stage_1 : process (clk)
    begin
        if rising_edge(clk) then
            v6_s1 <= v6;
        end if;
    end process stage_1;
    delay_v2_s1 : entity work.da4ml_delay_line
        generic map (WIDTH => 4, DEPTH => 2)
        port map (clk => clk, d => v2, q => v2_s1);

    -- == dense
    -- %7 = add %6, %2, %5<<2 : [-56, 78]*2^-2
    make_v7 : entity work.da4ml_ternary_adder
        generic map (A_WIDTH => 8, A_SIGNED => 1, B_WIDTH => 4, B_SIGNED => 1, C_WIDTH => 3, C_SIGNED => 0,
                C_SHIFT => 3, Y_WIDTH => 8, STYLE => TERNARY_STYLE)
        port map (a => v6_s1, b => v2_s1, c => "101", y => v7);

    -- ---- Stage 2
    stage_2 : process (clk)
    begin
        if rising_edge(clk) then
            v7_s2 <= v7;
        end if;
    end process stage_2;

    -- == dense
    -- %8 = relu %7 to ufixed<3,1> TRN WRAP : [0, 15]*2^-1
    make_v8 : entity work.da4ml_relu
        generic map (A_WIDTH => 7, Y_WIDTH => 4)
        port map (a => v7_s2(7 downto 1), y => v8);

    -- == out
    -- %9 = quantize %7 to fixed<2,0> RND_CONV SAT_SYM : [-3, 3]
    make_v9 : entity work.da4ml_quantize
        generic map (A_WIDTH => 8, A_SIGNED => 1, SHIFT => 2, ROUNDING => 6, OVERFLOW => 2, Y_SIGNED => 1, Y_WIDTH => 3)
        port map (a => v7_s2, y => v9);

    -- ---- Stage 3
    stage_3 : process (clk)
    begin
        if rising_edge(clk) then
            v9_s3 <= v9;
        end if;
    end process stage_3;

    -- == out
    -- %10 = neg %9 : [-3, 3]
    make_v10 : entity work.da4ml_negate
        generic map (A_WIDTH => 3, A_SIGNED => 1, Y_WIDTH => 3)
        port map (a => v9_s3, y => v10);

    -- ---- Stage 4
    stage_4 : process (clk)
    begin
        if rising_edge(clk) then
            v10_s4 <= v10;
        end if;
    end process stage_4;
    delay_v8_s4 : entity work.da4ml_delay_line
        generic map (WIDTH => 4, DEPTH => 2)
        port map (clk => clk, d => v8, q => v8_s4);

    -- == out
    -- %11 = add %10, %8 : [-6, 21]*2^-1
    make_v11 : entity work.da4ml_shift_adder
        generic map (A_WIDTH => 4, A_SIGNED => 0, B_WIDTH => 3, B_SIGNED => 1, B_SHIFT => 1, Y_WIDTH => 6)
        port map (a => v8_s4, b => v10_s4, y => v11);

    -- ---- Stage 5: output registers
    stage_5 : process (clk)
    begin
        if rising_edge(clk) then
            v10_s5 <= v10_s4;
            v11_s5 <= v11;
        end if;
    end process stage_5;
    delay_v0_s5 : entity work.da4ml_delay_line
        generic map (WIDTH => 6, DEPTH => 5)
        port map (clk => clk, d => v0_s0, q => v0_s5);
    delay_v6_s5 : entity work.da4ml_delay_line
        generic map (WIDTH => 8, DEPTH => 4)
        port map (clk => clk, d => v6_s1, q => v6_s5);

    -- ---- Outputs
    y(5 downto 0) <= v11_s5;  -- y[0] fixed<4,1>
    y(8 downto 6) <= v10_s5;  -- y[1] fixed<2,0>
    y(11 downto 9) <= v10_s5;  -- y[2] fixed<5,-3>
    y(14 downto 12) <= "101";  -- y[4] ufixed<2,1>
    y(20 downto 15) <= v0_s5;  -- y[5] fixed<3,2>
    y(28 downto 21) <= v6_s5;  -- y[6] fixed<4,3>
end architecture rtl;
