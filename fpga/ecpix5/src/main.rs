//! Writes the board's Verilog: `ironwarp-ecpix5 DIR` makes `DIR/<block>.v` for the board and each
//! of its blocks.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1) else {
        eprintln!("ironwarp-ecpix5: say the folder to write to");
        return ExitCode::from(2);
    };
    match write(Path::new(&dir)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("ironwarp-ecpix5: {why}");
            ExitCode::from(2)
        }
    }
}

fn write(dir: &Path) -> Result<(), String> {
    let io = |path: &Path, why: std::io::Error| format!("{}: {why}", path.display());
    std::fs::create_dir_all(dir).map_err(|why| io(dir, why))?;
    for entry in [ironwarp_ecpix5::whole(), ironwarp_ecpix5::blocks()].concat() {
        let text = entry.emit().map_err(|why| format!("{}: {why}", entry.name))?;
        let path = dir.join(format!("{}.v", entry.name));
        std::fs::write(&path, text).map_err(|why| io(&path, why))?;
        println!("{}", path.display());
    }
    Ok(())
}
