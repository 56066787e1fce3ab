/** Owns what a session's end, and the end of an entity, say of what was done: what memory finds and counts them by. */
import { z } from 'zod';

/** What a session did that ended an entity, or had a part in it. */
export const workSchema = z
  .object({
    calls: z.int(),
    errors: z.int(),
    tools: z.array(z.string()).describe('Names of the tools that were called, those called most first.'),
    models: z.array(z.string()),
    tokens: z.int().optional().describe('Missing: nobody told.'),
    cost_usd: z.number().optional().describe('Missing: nobody knows.'),
  })
  .optional()
  .describe('What the session that ended it did, up to here.');
export type SessionWork = NonNullable<z.infer<typeof workSchema>>;

/** Made from the session's own events, by code (design, section 7): what recall finds it by. Redacted, as every line is. */
export const digestSchema = z.object({
  asked: z.string().optional().describe('What was asked: the first prompt, else the inputs. At most 2 kB.'),
  said: z.string().optional().describe("The agent's last message, or the result. At most 2 kB."),
  files: z.array(z.string()).describe('Paths that its tools wrote or, where none was written, read; at most 40.'),
  commands: z.array(z.string()).describe('Command lines that were run, each once, the last ones; at most 20.'),
  errors: z.array(z.string()).describe('What failed, each once, the last ones; at most 10.'),
  turns: z.int().optional().describe('Turns of the agent.'),
});
export type SessionDigest = z.infer<typeof digestSchema>;
