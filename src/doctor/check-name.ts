/** Owns which checks there are, and what passes between the examination and a thread that makes them. */
import type { HomeRequest } from '../config/home.ts';
import type { Finding } from './finding.ts';

/** In their order: what needs less of the disk goes first. */
export const FILE_CHECKS = ['home', 'pods', 'record', 'bus', 'notify'] as const;
/** Each may wait for its service; one that hangs holds up the next for a moment only. */
export const SERVICE_CHECKS = ['redis', 'qdrant'] as const;
export type CheckName = (typeof FILE_CHECKS)[number] | (typeof SERVICE_CHECKS)[number];

export interface CheckWork {
  /** To be made one after the other. */
  readonly names: readonly CheckName[];
  readonly request: HomeRequest;
}

export type CheckWord = { readonly name: CheckName } & (
  | { readonly kind: 'begun' }
  | { readonly kind: 'found'; readonly finding: Finding }
  | { readonly kind: 'broken'; readonly why: string }
  | { readonly kind: 'done' }
);
