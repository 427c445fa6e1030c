// A chain of registers without reset: q is d as it was DEPTH rising edges of clk ago. DEPTH is at least 1.
//
// With SHREG_EXTRACT = 0 the chain stays in flip-flops; otherwise a tool may put it into shift-register LUTs.
// Cost: a flip-flop for each bit and cycle, or a shift-register LUT for each bit and 16 or 32 cycles.

`default_nettype none

module da4ml_delay_line #(
    // Bits of the value.
    parameter WIDTH = 8,
    // Clock edges from d to q, at least 1.
    parameter DEPTH = 2,
    // 0 to keep the chain out of shift-register LUTs.
    parameter SHREG_EXTRACT = 1
) (
    // The clock; its rising edge moves the chain.
    input  wire clk,
    // The input, taken at each rising edge.
    input  wire [WIDTH-1:0] d,
    // The input of DEPTH rising edges ago.
    output wire [WIDTH-1:0] q
);
    generate
        if (SHREG_EXTRACT != 0) begin : free
            reg [WIDTH*DEPTH-1:0] chain;
            if (DEPTH > 1) begin : long
                always @(posedge clk) chain <= {chain[WIDTH*(DEPTH-1)-1:0], d};
            end else begin : short
                always @(posedge clk) chain <= d;
            end
            assign q = chain[WIDTH*DEPTH-1:WIDTH*(DEPTH-1)];
        end else begin : fixed
            // Vivado knows the one attribute, Yosys the other.
`ifdef YOSYS
            (* keep *)
`endif
            (* shreg_extract = "no" *) reg [WIDTH*DEPTH-1:0] chain;
            if (DEPTH > 1) begin : long
                always @(posedge clk) chain <= {chain[WIDTH*(DEPTH-1)-1:0], d};
            end else begin : short
                always @(posedge clk) chain <= d;
            end
            assign q = chain[WIDTH*DEPTH-1:WIDTH*(DEPTH-1)];
        end
    endgenerate
endmodule

`default_nettype wire
