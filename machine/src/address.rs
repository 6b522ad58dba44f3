//! Where devices are, simulated ones and others.

use ironwarp_driver::Error;

/// Where a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `sim:` or `sim:0`, `sim:1`: the Verilated RNIC in this process, by its number.
    Sim(usize),
    /// `model:` or `model:0`, `model:1`: the behavioural model in this process, by its number.
    Model(usize),
    /// Any that the driver knows by itself, such as `vfio:0000:01:00.0`.
    Real(ironwarp_driver::Address),
}

impl std::str::FromStr for Address {
    type Err = Error;

    fn from_str(address: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::Address { address: address.into(), reason };
        let (kind, rest) = address.split_once(':').ok_or_else(|| {
            wrong("an address begins with a kind and a colon, such as sim: or vfio:0000:01:00.0")
        })?;
        let number = |reason| match rest {
            "" => Ok(0),
            _ => rest.parse().ok().filter(|number| *number < 2).ok_or_else(|| wrong(reason)),
        };
        match kind {
            "sim" => Ok(Self::Sim(number("a simulation has the RNICs 0 and 1")?)),
            "model" => Ok(Self::Model(number("there are the models 0 and 1")?)),
            "vfio" | "vfio-user" | "serial" => Ok(Self::Real(address.parse()?)),
            _ => Err(wrong("the kinds are sim, vfio, vfio-user, model and serial")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_with_a_reason() {
        assert_eq!("sim:".parse::<Address>().unwrap(), Address::Sim(0));
        assert_eq!("sim:1".parse::<Address>().unwrap(), Address::Sim(1));
        assert_eq!("model:".parse::<Address>().unwrap(), Address::Model(0));
        assert_eq!("model:1".parse::<Address>().unwrap(), Address::Model(1));
        for text in ["vfio:0000:01:00.0", "vfio-user:/run/rnic0.sock", "serial:/dev/ttyUSB1"] {
            let address = text.parse::<Address>().unwrap();
            assert_eq!(address, Address::Real(text.parse().unwrap()));
        }
        for bad in ["", "sim", "sim:2", "sim:x", "vfio:1:2", "vfio-user:", "model:2", "usb:1"] {
            let error = bad.parse::<Address>().unwrap_err();
            assert!(matches!(error, Error::Address { .. }), "{bad}: {error}");
        }
    }
}
