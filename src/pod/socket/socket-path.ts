export const socketPath = (s: string, _e: unknown): string => `/tmp/nika-x/${s}`;
