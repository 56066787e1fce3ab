/** Owns what is to be redacted: which lines, what comes in their place, and which bodies go. Kept in a file until it is done. */
import { z } from 'zod';
import type { BusFileName } from '../layout.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

const fileName = z
  .string()
  .regex(/^(alpha_bus|channels\/[A-Za-z]+-[A-Za-z0-9._-]+)\.jsonl$/)
  .refine((name) => !name.includes('..'))
  .transform((name) => name as BusFileName);

export const lineTargetSchema = z.object({
  file: fileName,
  writer: z.string(),
  seq: z.int(),
  id: z.string(),
  h: hex,
  /** Hash of the writer's line before it. */
  previous: hex,
  /** Whether it was as its writer wrote it. */
  fits: z.boolean(),
  /** Of the whole line, without its line feed. */
  bytes: z.int(),
  /** Envelope and data of its tombstone. */
  inner: z.string(),
  /** Hash of its tombstone. */
  tombstone: hex,
  ts: z.string(),
  type: z.string(),
  entity: z.string(),
  session: z.string(),
  /** Of a signal: on whose stream it is, and its id there. */
  signal: z.object({ to: z.string(), id: z.string() }).optional(),
});

/** One line of one file; a message stands in two. */
export type LineTarget = z.infer<typeof lineTargetSchema>;
