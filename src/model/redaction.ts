/** Owns what the bus tells of bodies that were taken out of it (`nika bus redact`). */
import { z } from 'zod';

export const redactionSchema = z
  .object({
    redaction: z.string().describe('Which one: tombstones name it as `$redacted`.'),
    reason: z.string(),
    by: z.string().describe('Who: user and host.'),
    lines: z.array(
      z.object({
        file: z.string().describe('File under _bus/, without its segment number.'),
        writer: z.string(),
        seq: z.int(),
        id: z.string(),
        h: z.string().describe('Hash of the line, which stays.'),
        previous: z.string().describe("Hash of the writer's line before, or what stands for it before the first."),
        tombstone: z.string().describe('SHA-256 (hex) of the bytes that stand there now.'),
        fits: z.literal(false).optional().describe('It had been changed before it was redacted.'),
      }),
    ),
    blobs: z.array(z.string()).optional().describe('SHA-256 of bodies that were removed from _bus/blobs/.'),
  })
  .describe('Bodies were taken out of these lines: "nika bus verify" accepts what stands there, and nothing else.');
