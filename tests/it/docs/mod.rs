//! README.md and the pages of docs/ are correct: their commands are run and their output is compared,
//! their tables are compared with the program's, and their links lead somewhere.

mod blocks;
mod commands;
mod layout;
mod measured;
mod pages;
mod picture;
mod schedules;
mod shell;
mod tables;
