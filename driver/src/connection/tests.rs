//! Two drivers open, use and close connections over a pipe of frames.
