//! The `custsync` command.

fn main() -> std::process::ExitCode {
    custsync::cli::main()
}
