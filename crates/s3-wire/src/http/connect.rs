//! Opens a connection to an origin: DNS lookup, TCP connect, TLS handshake, and `CONNECT` if there is a proxy.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use super::connection::Io;
use super::error::{WireError, WireErrorKind};
use super::idle_pool::IdlePool;
use super::origin::Origin;
use super::proxy::Proxy;
#[cfg(feature = "https")]
use super::tls::Tls;
#[cfg(feature = "https")]
use super::tunnel::tunnel;

/// Time for which looked-up addresses are used. 3 s: DNS records of S3 live for about 5 seconds, and each response
/// names other servers.
const ADDRESSES_LIVE: Duration = Duration::from_secs(3);

/// The addresses of a host, and when they were looked up.
pub(super) struct Addresses {
    known: Arc<[SocketAddr]>,
    since: Instant,
}

/// Connects to `origin` within `limit`.
pub(super) async fn connect(
    idle_pool: &IdlePool,
    origin: &Origin,
    limit: Duration,
    #[cfg(feature = "https")] tls: &Tls,
) -> Result<Io, WireError> {
    let proxy = origin.proxy.as_deref();
    let first_hop = proxy.map(Proxy::origin);
    let first_hop = first_hop.as_ref().unwrap_or(origin);
    if (origin.tls || first_hop.tls) && cfg!(not(feature = "https")) {
        return Err(WireError::bare(WireErrorKind::NoTls));
    }
    let connecting = async {
        let begun = Instant::now();
        let addresses = addresses(idle_pool, first_hop).await?;
        let turn = idle_pool.turn.fetch_add(1, Ordering::Relaxed);
        let left = limit.saturating_sub(begun.elapsed());
        let tcp = first_to_accept(&in_turn(&addresses, turn), left).await?;
        // Each request is sent in one write, so waiting for more to send would only delay it.
        tcp.set_nodelay(true)
            .map_err(|error| WireError::io(WireErrorKind::Connect, error))?;
        #[cfg_attr(
            not(feature = "https"),
            expect(unused_mut, reason = "TLS is put on it")
        )]
        let mut io = Io::Plain(tcp);
        #[cfg(feature = "https")]
        if first_hop.tls {
            io = tls.handshake(first_hop, io).await?;
        }
        #[cfg(feature = "https")]
        if let Some(proxy) = proxy.filter(|_| origin.tls) {
            io = tls
                .handshake(origin, tunnel(io, origin, proxy).await?)
                .await?;
        }
        Ok(io)
    };
    let connected = timeout(limit, connecting).await;
    let connected =
        connected.unwrap_or_else(|_| Err(WireError::bare(WireErrorKind::ConnectTimeout)));
    connected.map_err(|error| match proxy {
        Some(proxy) => error.through(proxy),
        None => error,
    })
}

async fn addresses(idle_pool: &IdlePool, origin: &Origin) -> Result<Arc<[SocketAddr]>, WireError> {
    let host = origin.bare_host();
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok([SocketAddr::new(address, origin.port)].into());
    }
    if is_this_machine(host) {
        let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(addresses
            .map(|address| SocketAddr::new(address, origin.port))
            .into());
    }
    // Locked during the lookup, so that concurrent connects look the name up once.
    let mut addresses = idle_pool.addresses.lock().await;
    if let Some(addresses) = &*addresses
        && addresses.since.elapsed() < ADDRESSES_LIVE
    {
        return Ok(Arc::clone(&addresses.known));
    }
    let found = lookup_host((host, origin.port)).await;
    let found = found.map_err(|error| WireError::io(WireErrorKind::Resolve, error))?;
    let known: Arc<[SocketAddr]> = found.collect();
    if known.is_empty() {
        return Err(WireError::text(
            WireErrorKind::Resolve,
            "the name has no address",
        ));
    }
    *addresses = Some(Addresses {
        known: Arc::clone(&known),
        since: Instant::now(),
    });
    Ok(known)
}

/// Returns whether RFC 6761 reserves a name for this machine. The resolver is not asked: requests to such a name are
/// neither encrypted nor signed with their payload, and many resolvers do not know names below `localhost`, such as
/// those of buckets.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// Returns the order in which the addresses are tried at the given turn: both families alternate, the resolver's
/// preference first, and each turn begins with another address.
fn in_turn(addresses: &[SocketAddr], turn: usize) -> Vec<SocketAddr> {
    let prefers_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<SocketAddr>, Vec<SocketAddr>) = addresses
        .iter()
        .copied()
        .partition(|address| address.is_ipv6() == prefers_v6);
    for family in [&mut first, &mut second] {
        let by = turn % family.len().max(1);
        family.rotate_left(by);
    }
    let mut order = Vec::with_capacity(addresses.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    while order.len() < addresses.len() {
        order.extend(first.next());
        order.extend(second.next());
    }
    order
}

/// Tries one address after the other. Each gets only a share of the time while others are left.
async fn first_to_accept(
    addresses: &[SocketAddr],
    limit: Duration,
) -> Result<TcpStream, WireError> {
    let begun = Instant::now();
    let mut last = WireError::bare(WireErrorKind::ConnectTimeout);
    for (index, address) in addresses.iter().enumerate() {
        let share = share(
            limit.saturating_sub(begun.elapsed()),
            addresses.len() - index,
        );
        last = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => WireError::io(kind_of(&error), error),
            Err(_) => WireError::bare(WireErrorKind::ConnectTimeout),
        };
    }
    Err(last)
}

fn kind_of(error: &io::Error) -> WireErrorKind {
    match error.kind() {
        io::ErrorKind::TimedOut => WireErrorKind::ConnectTimeout,
        _ => WireErrorKind::Connect,
    }
}

/// Returns a third of the time that is left, or more for the last two addresses: a lost first packet is sent again
/// after one second.
fn share(left: Duration, addresses: usize) -> Duration {
    match addresses {
        0 | 1 => left,
        2 => left / 2,
        _ => left / 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        let of = |text: &&str| SocketAddr::new(text.parse().unwrap(), 443);
        texts.iter().map(of).collect()
    }

    #[test]
    fn each_turn_begins_with_another_address_and_families_alternate() {
        let both = addresses(&["::1", "::2", "::3", "10.0.0.1", "10.0.0.2"]);
        assert_eq!(
            in_turn(&both, 0),
            addresses(&["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"])
        );
        assert_eq!(
            in_turn(&both, 1),
            addresses(&["::2", "10.0.0.2", "::3", "10.0.0.1", "::1"])
        );
        assert_eq!(in_turn(&both, 5)[0], both[2]);
        let one = addresses(&["10.0.0.1"]);
        assert_eq!(in_turn(&one, 7), one);
        assert_eq!(in_turn(&[], 7), []);
    }

    #[test]
    fn only_reserved_names_are_this_machine() {
        for name in ["localhost", "bucket.localhost", "a.b.localhost"] {
            assert!(is_this_machine(name), "{name}");
        }
        for name in ["localhost.example.org", "evillocalhost", "local", ""] {
            assert!(!is_this_machine(name), "{name}");
        }
    }

    #[test]
    fn the_shares_of_the_time_never_exceed_it() {
        for count in 1..10 {
            let mut left = Duration::from_secs(3);
            for index in 0..count {
                let share = share(left, count - index);
                assert!(
                    share >= Duration::from_millis(50),
                    "{count} {index} {share:?}"
                );
                left -= share;
            }
        }
    }

    #[tokio::test]
    async fn the_next_address_is_tried_after_a_refused_connection() {
        let good = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let bad = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let limit = Duration::from_secs(3);
        let found = first_to_accept(&[bad, good.local_addr().unwrap()], limit)
            .await
            .unwrap();
        assert_eq!(found.peer_addr().unwrap(), good.local_addr().unwrap());
        let refused = first_to_accept(&[bad], limit).await.unwrap_err();
        assert_eq!(refused.kind(), WireErrorKind::Connect);
    }
}
