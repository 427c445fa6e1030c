-- The multiplexer: one of two vectors, by a single bit.
--
-- Both branches are already as wide as the result. Combinational.
-- Cost: a LUT for each bit, or for two bits where a tool uses both outputs.

library ieee;
use ieee.std_logic_1164.all;

entity da4ml_mux is
    generic (
        -- Bits of a, b and y.
        WIDTH : positive := 8
    );
    port (
        -- The choice: a if it is set.
        s : in std_logic_vector(0 downto 0);
        -- The result if s is set.
        a : in std_logic_vector(WIDTH - 1 downto 0);
        -- The result otherwise.
        b : in std_logic_vector(WIDTH - 1 downto 0);
        -- The branch chosen.
        y : out std_logic_vector(WIDTH - 1 downto 0)
    );
end entity da4ml_mux;

architecture rtl of da4ml_mux is
begin
    y <= a when s(0) = '1' else b;
end architecture rtl;
