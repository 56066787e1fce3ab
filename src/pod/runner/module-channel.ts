/** Owns what a module's process and its supervisor have agreed on about the pipe between them. */

export const CHANNEL_FD = 3;

/** The exit code of a module's process that could not tell its supervisor how its run ended. */
export const BROKEN_CHANNEL_EXIT = 76;

export const BROKEN_CHANNEL =
  'the channel between the module and its pod (file descriptor 3) broke: the module closed it, or wrote to it';
