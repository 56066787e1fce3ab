/** Owns which checks there are, and what passes between the examination and the thread of a check. */
import type { HomeRequest } from '../config/home.ts';
import type { Finding } from './finding.ts';

export const CHECKS = ['home', 'bus', 'pods', 'record', 'redis'] as const;
export type CheckName = (typeof CHECKS)[number];

export interface CheckWork {
  readonly name: CheckName;
  readonly request: HomeRequest;
}

export type CheckWord =
  | { readonly kind: 'begun' }
  | { readonly kind: 'found'; readonly finding: Finding }
  | { readonly kind: 'broken'; readonly why: string }
  | { readonly kind: 'done' };
