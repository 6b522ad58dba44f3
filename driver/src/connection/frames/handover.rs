//! From software to hardware: the context that continues a quiet connection.

use super::super::tcp::HandOver;
use super::tracker::Snapshot;
use crate::options::Repair;
use ironwarp_abi::context::QueuePairContext;

/// IPv4 and TCP headers without options, in octets.
const HEADER_BYTES: usize = 40;
/// The window without scaling, in octets.
const WINDOW_UNSCALED_BYTES: u32 = 65535;

/// The connection's part of a context; rings, queues and protection domain are the queue pair's.
pub(super) fn context(
    snapshot: &Snapshot,
    to: &HandOver,
    mtu: usize,
    window: u32,
    repair: &Repair,
) -> QueuePairContext {
    let flow = snapshot.path.flow;
    let emss = usize::from(snapshot.peer_mss).min(mtu - HEADER_BYTES);
    let shift = snapshot.receive_window_shift;
    let receive_window = window.min(WINDOW_UNSCALED_BYTES << shift.unwrap_or(0));
    QueuePairContext {
        send_window_shift: snapshot.send_window_shift,
        receive_window_shift: shift.unwrap_or(0),
        local_ip: flow.local_ip.into(),
        remote_ip: flow.remote_ip.into(),
        local_port: flow.local_port,
        remote_port: flow.remote_port,
        local_mac: mac_bits(snapshot.path.local_mac),
        remote_mac: mac_bits(snapshot.path.remote_mac),
        send_next: snapshot.send_next.0,
        send_window: snapshot.send_window,
        receive_next: snapshot.receive_next.0,
        receive_window,
        retries: repair.retries,
        sack: snapshot.sack,
        reassembly_log2: repair.ring_log2(receive_window),
        ..to.context(emss)
    }
}

/// The first octet is in the highest byte of 48 bits.
pub(super) fn mac_bits(octets: [u8; 6]) -> u64 {
    octets.iter().fold(0, |value, octet| value << 8 | u64::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::super::super::event::{Agreement, ReadDepths};
    use super::super::super::negotiation::Role;
    use super::super::segment::tests::path;
    use super::{HandOver, QueuePairContext, Repair, Snapshot};
    use ironwarp_wire::sequence::Sequence;

    const WINDOW: u32 = 256 * 1024;
    const SNAPSHOT: fn() -> Snapshot = || Snapshot {
        path: path(),
        send_next: Sequence(10),
        receive_next: Sequence(20),
        send_window: 30,
        send_window_shift: 7,
        receive_window_shift: Some(3),
        peer_mss: 1460,
        sack: true,
    };
    /// The context of a connection with the default repairs.
    fn context(snapshot: &Snapshot, to: &HandOver, mtu: usize, window: u32) -> QueuePairContext {
        super::context(snapshot, to, mtu, window, &Repair::default())
    }

    fn to(role: Role, send_markers: bool) -> HandOver {
        let reads = ReadDepths { inbound: 5, outbound: 6 };
        let agreement = Agreement { send_markers, receive_markers: true, crc: true, reads };
        HandOver { qp: 1, role, agreement }
    }

    #[test]
    fn addresses_and_numbers_are_those_of_the_connection() {
        let context = context(&SNAPSHOT(), &to(Role::Responder, false), 1500, WINDOW);
        assert_eq!((context.local_ip, context.remote_ip), (0x0a00_0001, 0x0a00_0002));
        assert_eq!((context.local_port, context.remote_port), (5000, 6000));
        assert_eq!((context.local_mac, context.remote_mac), (0x0200_0000_0001, 0x0200_0000_0002));
        assert_eq!((context.send_next, context.receive_next, context.send_window), (10, 20, 30));
        assert_eq!((context.read_in, context.read_out), (5, 6));
        assert!(context.await_first_fpdu && context.receive_markers && !context.send_markers);
        assert_eq!((context.retries, context.sack, context.reassembly_log2), (8, true, 6));
    }

    #[test]
    fn without_repairs_nothing_is_repaired() {
        let to = to(Role::Initiator, false);
        let snapshot = Snapshot { sack: false, ..SNAPSHOT() };
        let context = super::context(&snapshot, &to, 1500, WINDOW, &Repair::NONE);
        assert_eq!((context.retries, context.sack, context.reassembly_log2), (0, false, 0));
    }

    //= rfc5044#4.5
    //= type=test
    #[test]
    fn the_mulpdu_follows_from_mss_mtu_and_markers() {
        for (mss, mtu, markers, mulpdu) in [
            (1460, 1500, false, 1454),
            (1460, 1500, true, 1442),
            (8960, 9000, false, 8954),
            (1460, 9000, false, 1454),
            (8960, 1500, false, 1454),
            (536, 1500, true, 522),
        ] {
            let snapshot = Snapshot { peer_mss: mss, ..SNAPSHOT() };
            let context = context(&snapshot, &to(Role::Initiator, markers), mtu, WINDOW);
            assert_eq!(context.mulpdu, mulpdu, "MSS {mss}, MTU {mtu}, markers {markers}");
        }
    }

    #[test]
    fn the_window_fits_its_field() {
        for (shift, window) in
            [(None, 65535), (Some(0), 65535), (Some(1), 131_070), (Some(3), 262_144)]
        {
            let snapshot = Snapshot { receive_window_shift: shift, ..SNAPSHOT() };
            let context = context(&snapshot, &to(Role::Initiator, false), 1500, WINDOW);
            assert_eq!(context.receive_window, window);
            assert!(context.receive_window >> context.receive_window_shift <= 65535);
        }
    }
}
