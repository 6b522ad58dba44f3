//! `rping` between two devices in one process: what comes back, and what becomes of bad peers.

use ironwarp::rping::{Client, Error, Info, Notice, Outcome, Server, INFO_BYTES, SIZE_MAX};
use ironwarp_driver::{
    Access, Context, Event, Operation, Options, QueuePairOptions, Reason, Region, RemoteBuffer,
    StartupOptions, Status, WorkRequest,
};
use ironwarp_machine::Machine;
use std::net::SocketAddrV4;
use std::time::Duration;

const PORT: u16 = 7174;

/// A client's and a server's device, and the server.
struct World {
    client: Context,
    host: Context,
    server: Server,
}

fn server_address() -> SocketAddrV4 {
    SocketAddrV4::new([10, 0, 0, 2].into(), PORT)
}

fn open() -> [Context; 2] {
    let mut machine = Machine::new();
    [1, 2].map(|number| {
        let function = machine.open(&format!("model:{}", number - 1)).unwrap();
        let options = Options { seed: Some(number.into()), ..Options::station(number) };
        Context::open(function, options).unwrap()
    })
}

impl World {
    fn new() -> Self {
        let [client, host] = open();
        let server = Server::listen(&host, PORT, &StartupOptions::default()).unwrap();
        Self { client, host, server }
    }

    fn pass(&self) {
        self.host.arm().unwrap();
        self.client.wait(Duration::from_micros(100)).unwrap();
    }

    /// Runs a client to its end; answers how, and what the server said.
    fn ping(
        &mut self,
        size: usize,
        count: u64,
        startup: &StartupOptions,
    ) -> (Result<Vec<Notice>, Error>, Vec<Notice>) {
        let client = Client::connect(&self.client, server_address(), size, Some(count), startup);
        let mut client = client.unwrap();
        let (mut said, mut heard) = (Vec::new(), Vec::new());
        while !client.is_done() {
            match client.step() {
                Ok(notices) => said.extend(notices),
                Err(error) => return (Err(error), heard),
            }
            heard.extend(self.server.step().unwrap());
            self.pass();
        }
        heard.extend(self.serve_until_alone());
        (Ok(said), heard)
    }

    fn serve_until_alone(&mut self) -> Vec<Notice> {
        let mut heard = Vec::new();
        let start = self.host.now();
        while self.server.clients() > 0 {
            assert!(self.host.now() < start + Duration::from_secs(60), "{heard:?}");
            self.client.poll().unwrap();
            heard.extend(self.server.step().unwrap());
            self.pass();
        }
        heard
    }
}

fn texts(notices: &[Notice]) -> Vec<&str> {
    let texts = notices.iter().map(|notice| match notice {
        Notice::Pinged { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.flatten().collect()
}

fn outcome(notices: &[Notice]) -> &Outcome {
    let found = notices.iter().find_map(|notice| match notice {
        Notice::Served(outcome) => Some(outcome),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nobody was served: {notices:?}"))
}

#[test]
fn pings_of_every_size_come_back_client_after_client() {
    let mut world = World::new();
    for (size, crc) in [(26, true), (64, false), (4096, true), (SIZE_MAX, true), (64, true)] {
        let startup = StartupOptions { crc, ..StartupOptions::default() };
        let (said, heard) = world.ping(size, 20, &startup);
        let said = said.unwrap();
        let Notice::Connected { peer, agreement } = said[0] else { panic!("{:?}", said[0]) };
        assert_eq!((peer, agreement.reads.outbound), (server_address(), 8));
        assert!(matches!(said.last(), Some(Notice::Closed { pings: 20 })));
        assert_eq!(texts(&said), texts(&heard), "both saw the same");
        assert!(texts(&said)[3].starts_with("rdma-ping-3: DEFGHIJ"), "{}", texts(&said)[3]);
        assert!(texts(&said).len() == 20 && texts(&said)[7].len() == size - 1);
        let outcome = outcome(&heard);
        assert!(outcome.pings == 20 && outcome.error.is_none(), "{outcome:?}");
    }
}

/// Queue pairs, completion queues and memory regions come back from every client: there are 15
/// queue pairs.
#[test]
fn many_clients_leave_nothing_behind() {
    let mut world = World::new();
    for _ in 0..40 {
        let (said, heard) = world.ping(64, 1, &StartupOptions::default());
        assert_eq!((texts(&said.unwrap()).len(), outcome(&heard).pings), (1, 1));
    }
}

#[test]
fn nobody_listens() {
    let [context, _other] = open();
    let startup = StartupOptions::default();
    let mut client = Client::connect(&context, server_address(), 64, Some(1), &startup).unwrap();
    let error = loop {
        match client.step() {
            Ok(_) => context.wait(Duration::from_millis(1)).unwrap(),
            Err(error) => break error,
        }
        _other.poll().unwrap();
    };
    assert!(matches!(error, Error::Connection(Reason::Reset)), "{error}");
}

/// A server that goes away in the middle.
#[test]
fn a_server_that_goes_away_is_told() {
    let mut world = World::new();
    let startup = StartupOptions::default();
    let mut client = Client::connect(&world.client, server_address(), 64, None, &startup).unwrap();
    let mut pings = 0;
    while pings < 3 {
        pings += texts(&client.step().unwrap()).len();
        world.server.step().unwrap();
        world.pass();
    }
    let World { client: context, host, server } = world;
    drop(server);
    let error = loop {
        host.poll().unwrap();
        match client.step() {
            Ok(_) => context.wait(Duration::from_millis(1)).unwrap(),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Connection(Reason::Reset)), "{error}");
}

/// A server that says go ahead without reading or writing anything.
#[test]
fn an_echo_that_is_wrong_is_found() {
    let [context, host] = open();
    let domain = host.protection_domain().unwrap();
    let queue = host.completion_queue(256).unwrap();
    let pair = domain.queue_pair(&QueuePairOptions::new(&queue)).unwrap();
    let memory = Region::new(INFO_BYTES).unwrap();
    let memory = domain.register(&memory, Access::LOCAL).unwrap();
    for id in 0..4 {
        pair.post_receive(id, memory.whole()).unwrap();
    }
    host.listen(PORT).unwrap();
    let startup = StartupOptions::default();
    let mut client = Client::connect(&context, server_address(), 64, Some(1), &startup).unwrap();
    let error = loop {
        for event in host.poll().unwrap() {
            if let Event::ConnectRequest { request, .. } = event {
                host.accept(request, &pair, &startup).unwrap();
            }
        }
        for done in queue.poll(9).unwrap() {
            if done.operation == Operation::Receive {
                pair.post_send(WorkRequest::send(9, memory.whole())).unwrap();
            }
        }
        match client.step() {
            Ok(_) => {}
            Err(error) => break error,
        }
        host.arm().unwrap();
        context.wait(Duration::from_millis(1)).unwrap();
    };
    assert!(matches!(error, Error::Mismatch { ping: 0, offset: 0 }), "{error}");
}

//= rfc9293#3.6
//= type=test
/// A server that closes right behind its last message, so that the client finds both at once: it
/// has its ping, and closes as well.
#[test]
fn a_server_that_closes_first_ends_well() {
    let [context, host] = open();
    let domain = host.protection_domain().unwrap();
    let queue = host.completion_queue(256).unwrap();
    let pair = domain.queue_pair(&QueuePairOptions::new(&queue)).unwrap();
    let memory = domain.register(&Region::new(256).unwrap(), Access::REMOTE).unwrap();
    let message = memory.buffer(0, INFO_BYTES).unwrap();
    let data = memory.buffer(64, 64).unwrap();
    pair.post_receive(1, message).unwrap();
    host.listen(PORT).unwrap();
    let startup = StartupOptions::default();
    let mut client = Client::connect(&context, server_address(), 64, Some(1), &startup).unwrap();
    let (mut messages, mut closed) = (0, false);
    let (start, mut resumes) = (host.now(), host.now());
    while !client.is_done() || !closed {
        assert!(host.now() < start + Duration::from_secs(60), "{messages} messages");
        for event in host.poll().unwrap() {
            match event {
                Event::ConnectRequest { request, .. } => {
                    host.accept(request, &pair, &startup).unwrap();
                }
                Event::Disconnected { .. } => closed = true,
                Event::Established { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        for done in queue.poll(9).unwrap() {
            match done.operation {
                Operation::Receive if done.status == Status::SUCCESS => {
                    let mut octets = [0; INFO_BYTES];
                    memory.region().read(0, &mut octets).unwrap();
                    let remote = Info::from_bytes(octets).remote;
                    messages += 1;
                    if messages == 1 {
                        pair.post_receive(1, message).unwrap();
                        pair.post_send(WorkRequest::read(2, data, remote)).unwrap();
                        continue;
                    }
                    pair.post_send(WorkRequest::write(3, data, remote).unsignaled()).unwrap();
                    pair.post_send(WorkRequest::send(4, message)).unwrap();
                    host.disconnect(&pair).unwrap();
                    resumes = host.now() + Duration::from_millis(2);
                }
                Operation::Read => pair.post_send(WorkRequest::send(5, message)).unwrap(),
                _ => {}
            }
        }
        if host.now() >= resumes {
            client.step().unwrap();
        }
        host.wait(Duration::from_micros(100)).unwrap();
    }
}

/// What a client of no good does, and what the server makes of it.
fn misbehave(world: &mut World, message: &[u8]) -> Outcome {
    let domain = world.client.protection_domain().unwrap();
    let queue = world.client.completion_queue(256).unwrap();
    let pair = domain.queue_pair(&QueuePairOptions::new(&queue)).unwrap();
    let memory = domain.register(&Region::from_slice(message).unwrap(), Access::LOCAL).unwrap();
    world.client.connect(&pair, server_address(), &StartupOptions::default()).unwrap();
    let start = world.client.now();
    loop {
        for event in world.client.poll().unwrap() {
            if matches!(event, Event::Established { .. }) {
                pair.post_send(WorkRequest::send(1, memory.whole())).unwrap();
            }
        }
        // What waits in the queue would keep time from passing.
        queue.poll(9).unwrap();
        for notice in world.server.step().unwrap() {
            if let Notice::Served(outcome) = notice {
                return outcome;
            }
        }
        assert!(world.client.now() < start + Duration::from_secs(60), "the server waits");
        world.pass();
    }
}

#[test]
fn a_client_of_no_good_is_let_go_and_the_next_is_served() {
    let mut world = World::new();
    let info = |stag, size| Info { remote: RemoteBuffer { stag, offset: 0 }, size }.to_bytes();
    let short = misbehave(&mut world, b"hello").error;
    assert!(matches!(short, Some(Error::Message(5))), "{short:?}");
    let large = misbehave(&mut world, &info(1, 70_000)).error;
    assert!(matches!(large, Some(Error::Size { size: 70_000, limit: SIZE_MAX })), "{large:?}");
    // No memory region of the client has this STag: the client's device ends the connection.
    let nowhere = misbehave(&mut world, &info(0xdead_beef, 64)).error;
    assert!(matches!(nowhere, Some(Error::Connection(Reason::Reset))), "{nowhere:?}");
    let (said, _) = world.ping(64, 2, &StartupOptions::default());
    assert_eq!(texts(&said.unwrap()).len(), 2);
}
