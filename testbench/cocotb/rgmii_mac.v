// The MAC behind the board's RGMII: two emitted blocks of the board and the MAC, each from a file
// of its own.
module rgmii_mac(
    input wire rx_clock,
    input wire [3:0] rx_data,
    input wire rx_control,
    input wire tx_clock,
    // The clock as the PHY gets it, 2 ns later, for whoever samples there.
    input wire phy_clock,
    output wire tx_pin_clock,
    output wire [3:0] tx_data,
    output wire tx_control,
    output wire link,
    output wire gigabit,
    input wire clock,
    input wire device_reset,
    output wire [63:0] m_axis_device_tdata,
    output wire [7:0] m_axis_device_tkeep,
    output wire m_axis_device_tlast,
    output wire m_axis_device_tuser,
    output wire m_axis_device_tvalid,
    input wire m_axis_device_tready,
    input wire [63:0] s_axis_device_tdata,
    input wire [7:0] s_axis_device_tkeep,
    input wire s_axis_device_tlast,
    input wire s_axis_device_tuser,
    input wire s_axis_device_tvalid,
    output wire s_axis_device_tready,
    output wire counts_damaged,
    output wire counts_misfit,
    output wire counts_pause,
    output wire counts_lost,
    input wire [47:0] station
);
    wire [9:0] received;
    wire [9:0] sent;

    ironwarp_ecpix5_rgmii_receiver receiver(
        .clock(rx_clock), .data(rx_data), .control(rx_control),
        .gmii(received), .link(link), .gigabit(gigabit)
    );
    ironwarp_ecpix5_rgmii_transmitter transmitter(
        .clock(tx_clock), .gmii(sent),
        .pin_clock(tx_pin_clock), .data(tx_data), .control(tx_control)
    );
    ironwarp_mac mac(
        .receive_clock(rx_clock),
        .gmii_receive_data(received[7:0]),
        .gmii_receive_enable(received[8]),
        .gmii_receive_error(received[9]),
        .transmit_clock(tx_clock),
        .gmii_transmit_data(sent[7:0]),
        .gmii_transmit_enable(sent[8]),
        .gmii_transmit_error(sent[9]),
        .clock(clock),
        .device_reset(device_reset),
        .m_axis_device_tdata(m_axis_device_tdata),
        .m_axis_device_tkeep(m_axis_device_tkeep),
        .m_axis_device_tlast(m_axis_device_tlast),
        .m_axis_device_tuser(m_axis_device_tuser),
        .m_axis_device_tvalid(m_axis_device_tvalid),
        .m_axis_device_tready(m_axis_device_tready),
        .s_axis_device_tdata(s_axis_device_tdata),
        .s_axis_device_tkeep(s_axis_device_tkeep),
        .s_axis_device_tlast(s_axis_device_tlast),
        .s_axis_device_tuser(s_axis_device_tuser),
        .s_axis_device_tvalid(s_axis_device_tvalid),
        .s_axis_device_tready(s_axis_device_tready),
        .counts_damaged(counts_damaged),
        .counts_misfit(counts_misfit),
        .counts_pause(counts_pause),
        .counts_lost(counts_lost),
        .station(station)
    );
endmodule
