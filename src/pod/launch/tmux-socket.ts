/** Owns the name of the tmux server of pods: their terminals are kept apart from a person's own. */
export const TMUX_SOCKET = 'nika';
