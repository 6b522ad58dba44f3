//! Posting and polling many at a time.

use super::*;
use crate::{Buffer, Completion};
use ironwarp_abi::registers::{Register, COMMIT, DOORBELL_CONSUMED, DOORBELL_SEND};

fn send(id: u64) -> WorkRequest {
    WorkRequest::send(id, Buffer::EMPTY)
}

fn ids(completions: &[Completion]) -> Vec<u64> {
    completions.iter().map(|completion| completion.id).collect()
}

#[test]
fn a_batch_is_posted_as_far_as_there_is_room() {
    let pair = Pair::connected();
    let End { fake, qp, cq, .. } = &pair.a;
    let sends: Vec<_> = (0..100).map(send).collect();
    assert_eq!(qp.post_send_batch(&sends).unwrap(), 64);
    assert_eq!(fake.doorbell(qp.number(), DOORBELL_SEND), 64);
    assert_eq!(qp.post_send_batch(&sends[64..]).unwrap(), 0);
    assert!(matches!(qp.post_send(sends[64]), Err(Error::QueueFull)));
    assert_eq!(qp.post_send_batch(&[]).unwrap(), 0);
    // What is polled makes room.
    let mut out = [Completion::NONE; 10];
    assert_eq!(cq.poll_into(&mut []).unwrap(), 0);
    assert_eq!(cq.poll_into(&mut out).unwrap(), 10);
    assert_eq!(ids(&out), (0..10).collect::<Vec<_>>());
    assert_eq!(qp.post_send_batch(&sends[64..]).unwrap(), 10);
    assert_eq!(ids(&cq.poll(60).unwrap()), (10..70).collect::<Vec<_>>());
    assert_eq!(ids(&cq.poll(60).unwrap()), (70..74).collect::<Vec<_>>());

    let buffers: Vec<_> = (0..100).map(|id| (id, Buffer::EMPTY)).collect();
    assert_eq!(qp.post_receive_batch(&buffers).unwrap(), 64);
    assert_eq!(qp.post_receive_batch(&buffers[64..]).unwrap(), 0);
    fake.deliver(qp.number(), 3);
    assert_eq!(cq.poll_into(&mut out).unwrap(), 1);
    assert_eq!((out[0].id, out[0].length, out[0].operation), (0, 3, Operation::Receive));
    assert_eq!(qp.post_receive_batch(&buffers[64..]).unwrap(), 1);
    pair.finish();
}

/// The device must know what was consumed; what it cannot be told is polled again.
#[test]
fn a_poll_that_fails_takes_nothing() {
    let pair = Pair::connected();
    let End { fake, qp, cq, .. } = &pair.a;
    assert_eq!(qp.post_send_batch(&[send(1), send(2), send(3)]).unwrap(), 3);
    let address = REFERENCE.cq_doorbell(cq.number(), DOORBELL_CONSUMED);
    fake.fail_writes_to(Register { address, ..COMMIT });
    let mut out = [Completion::NONE; 2];
    assert!(matches!(cq.poll_into(&mut out), Err(Error::Bus(_))));
    fake.fail_no_writes();
    assert_eq!(ids(&cq.poll(9).unwrap()), [1, 2, 3]);
    pair.finish();
}

/// Nobody sleeps over an end whose entry somebody else has polled.
#[test]
fn an_event_that_a_poll_took_ends_the_next_wait() {
    let mut pair = Pair::connected();
    pair.a.fake.event(pair.a.qp.number(), status::DDP_STAG, 0);
    assert_eq!(pair.a.cq.poll_into(&mut [Completion::NONE]).unwrap(), 0);
    let start = pair.a.context.now();
    pair.a.context.wait(Duration::from_secs(1)).unwrap();
    assert_eq!(pair.a.context.now(), start);
    pair.a.poll();
    assert!(matches!(pair.a.take_only(), Event::Error { .. }));
    pair.run_until(|pair| !pair.b.events.is_empty());
    pair.finish();
}
