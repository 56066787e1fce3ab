/** Owns nothing any more: what names a process lives in the base, where the settings can ask it too. For older imports. */
export * from '../failopen/process-identity.ts';
