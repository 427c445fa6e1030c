-- A chain of registers without reset: q is d as it was DEPTH rising edges of clk ago. DEPTH is at least 1.
--
-- With SHREG_EXTRACT = 0 the chain stays in flip-flops; otherwise a tool may put it into shift-register LUTs.
-- Cost: a flip-flop for each bit and cycle, or a shift-register LUT for each bit and 16 or 32 cycles.

library ieee;
use ieee.std_logic_1164.all;

entity da4ml_delay_line is
    generic (
        -- Bits of the value.
        WIDTH : positive := 8;
        -- Clock edges from d to q, at least 1.
        DEPTH : positive := 2;
        -- 0 to keep the chain out of shift-register LUTs.
        SHREG_EXTRACT : natural range 0 to 1 := 1
    );
    port (
        -- The clock; its rising edge moves the chain.
        clk : in std_logic;
        -- The input, taken at each rising edge.
        d : in std_logic_vector(WIDTH - 1 downto 0);
        -- The input of DEPTH rising edges ago.
        q : out std_logic_vector(WIDTH - 1 downto 0)
    );
end entity da4ml_delay_line;

architecture rtl of da4ml_delay_line is
    type vectors is array (1 to DEPTH) of std_logic_vector(WIDTH - 1 downto 0);
begin
    free : if SHREG_EXTRACT = 1 generate
        signal chain : vectors;
    begin
        process (clk)
        begin
            if rising_edge(clk) then
                chain(1) <= d;
                for stage in 2 to DEPTH loop
                    chain(stage) <= chain(stage - 1);
                end loop;
            end if;
        end process;
        q <= chain(DEPTH);
    else generate
        signal chain : vectors;
        -- Vivado's shreg_extract = "no" says the same, but has the name of the generic.
        attribute srl_style : string;
        attribute srl_style of chain : signal is "register";
    begin
        process (clk)
        begin
            if rising_edge(clk) then
                chain(1) <= d;
                for stage in 2 to DEPTH loop
                    chain(stage) <= chain(stage - 1);
                end loop;
            end if;
        end process;
        q <= chain(DEPTH);
    end generate free;
end architecture rtl;
