// Program Everything (at once): 5 inputs, 7 outputs, written by da4ml-flow.
//
// A result is on y 6 rising edges of clk after its sample was put on x;
// a new sample every cycle, no reset. 118 register bits.

`default_nettype none

module everything_pipelined #(
    // How three operands are added: 0 as a plain sum; 4, 8 in Xilinx' LUT6_2 on CARRY4, on CARRY8.
    parameter TERNARY_STYLE = 0
) (
    // The clock; its rising edge moves the pipeline.
    input  wire clk,
    // All input elements, the first in the lowest bits.
    input  wire [14:0] x,
    // All output elements, the first in the lowest bits.
    output wire [28:0] y
);

    // ---- Inputs

    // == in
    // %0 = input x[2] fixed<3,2> RND SAT : [-32, 31]*2^-2
    wire signed [5:0] v0 = x[12:7];
    // %1 = input x[0] ufixed<3,0> TRN WRAP : [0, 7]
    wire [2:0] v1 = x[2:0];
    // %2 = input x[0] fixed<1,2> RND WRAP : [-8, 7]*2^-2
    wire signed [3:0] v2 = x[6:3];

    // ---- Stage 0
    reg signed [5:0] v0_s0;
    reg [2:0] v1_s0;
    always @(posedge clk) begin
        v0_s0 <= v0;
        v1_s0 <= v1;
    end

    // == dense
    // %6 = add %0, -%1<<1 : [-88, 31]*2^-2
    wire signed [7:0] v6;
    da4ml_shift_adder #(.A_WIDTH(6), .A_SIGNED(1), .B_WIDTH(3), .B_SIGNED(0), .B_SHIFT(3), .SUBTRACT(1), .Y_WIDTH(8))
        make_v6 (.a(v0_s0), .b(v1_s0), .y(v6));

    // ---- Stage 1
    reg signed [7:0] v6_s1;
    always @(posedge clk) begin
        v6_s1 <= v6;
    end
    wire signed [3:0] v2_s1;
    da4ml_delay_line #(.WIDTH(4), .DEPTH(2))
        delay_v2_s1 (.clk(clk), .d(v2), .q(v2_s1));

    // == dense
    // %7 = add %6, %2, %5<<2 : [-56, 78]*2^-2
    wire signed [7:0] v7;
    da4ml_ternary_adder #(.A_WIDTH(8), .A_SIGNED(1), .B_WIDTH(4), .B_SIGNED(1), .C_WIDTH(3), .C_SIGNED(0), .C_SHIFT(3),
            .Y_WIDTH(8), .STYLE(TERNARY_STYLE))
        make_v7 (.a(v6_s1), .b(v2_s1), .c(3'h5), .y(v7));

    // ---- Stage 2
    reg signed [7:0] v7_s2;
    always @(posedge clk) begin
        v7_s2 <= v7;
    end

    // == dense
    // %8 = relu %7 to ufixed<3,1> TRN WRAP : [0, 15]*2^-1
    wire [3:0] v8;
    da4ml_relu #(.A_WIDTH(7), .Y_WIDTH(4))
        make_v8 (.a(v7_s2[7:1]), .y(v8));

    // == out
    // %9 = quantize %7 to fixed<2,0> RND_CONV SAT_SYM : [-3, 3]
    wire signed [2:0] v9;
    da4ml_quantize #(.A_WIDTH(8), .A_SIGNED(1), .SHIFT(2), .ROUNDING(6), .OVERFLOW(2), .Y_SIGNED(1), .Y_WIDTH(3))
        make_v9 (.a(v7_s2), .y(v9));

    // ---- Stage 3
    reg signed [2:0] v9_s3;
    always @(posedge clk) begin
        v9_s3 <= v9;
    end

    // == out
    // %10 = neg %9 : [-3, 3]
    wire signed [2:0] v10;
    da4ml_negate #(.A_WIDTH(3), .A_SIGNED(1), .Y_WIDTH(3))
        make_v10 (.a(v9_s3), .y(v10));

    // ---- Stage 4
    reg signed [2:0] v10_s4;
    always @(posedge clk) begin
        v10_s4 <= v10;
    end
    wire [3:0] v8_s4;
    da4ml_delay_line #(.WIDTH(4), .DEPTH(2))
        delay_v8_s4 (.clk(clk), .d(v8), .q(v8_s4));

    // == out
    // %11 = add %10, %8 : [-6, 21]*2^-1
    wire signed [5:0] v11;
    da4ml_shift_adder #(.A_WIDTH(4), .A_SIGNED(0), .B_WIDTH(3), .B_SIGNED(1), .B_SHIFT(1), .Y_WIDTH(6))
        make_v11 (.a(v8_s4), .b(v10_s4), .y(v11));

    // ---- Stage 5: output registers
    reg signed [2:0] v10_s5;
    reg signed [5:0] v11_s5;
    always @(posedge clk) begin
        v10_s5 <= v10_s4;
        v11_s5 <= v11;
    end
    wire signed [5:0] v0_s5;
    da4ml_delay_line #(.WIDTH(6), .DEPTH(5))
        delay_v0_s5 (.clk(clk), .d(v0_s0), .q(v0_s5));
    wire signed [7:0] v6_s5;
    da4ml_delay_line #(.WIDTH(8), .DEPTH(4))
        delay_v6_s5 (.clk(clk), .d(v6_s1), .q(v6_s5));

    // ---- Outputs
    assign y[5:0] = v11_s5;  // y[0] fixed<4,1>
    assign y[8:6] = v10_s5;  // y[1] fixed<2,0>
    assign y[11:9] = v10_s5;  // y[2] fixed<5,-3>
    assign y[14:12] = 3'h5;  // y[4] ufixed<2,1>
    assign y[20:15] = v0_s5;  // y[5] fixed<3,2>
    assign y[28:21] = v6_s5;  // y[6] fixed<4,3>

    // ---- Bits that no output depends on
    wire unused = &{1'b0, x[14:13]};
endmodule

`default_nettype wire
