/** Owns the settings `memory:`: what is kept of it, and who makes dense vectors. */
import { z } from 'zod';
import { Secret } from '../../model/secret.ts';
import { MEMORY_KINDS } from '../../model/memory.ts';
import type { Frozen } from '../frozen.ts';
import { durationSchema, sumOfDurationsSchema } from '../quantity.ts';

const MAX_DIMENSION = 65_536;
const MAX_BATCH = 2_048;

const hasCredentials = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && (url.username !== '' || url.password !== '');
};

const embeddingsSchema = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, error: 'must be like http://127.0.0.1:11434/v1' })
      .meta({ examples: ['http://127.0.0.1:11434/v1'] })
      .refine((text) => !hasCredentials(text), 'must hold no user and password: see "apiKey"')
      .describe('Of the API; "/embeddings" is put behind it. Ollama: http://127.0.0.1:11434/v1'),
    model: z
      .string()
      .min(1)
      .max(200)
      .meta({ examples: ['nomic-embed-text'] })
      .describe('As that API calls it.'),
    dimension: z
      .int()
      .min(1)
      .max(MAX_DIMENSION)
      .meta({ examples: [768] })
      .describe('How many numbers a vector of that model has.'),
    apiKey: z
      .string()
      .min(1)
      .transform((text) => new Secret(text))
      .optional()
      .meta({ examples: ['…'] })
      .describe('Where it asks for one; better set as NIKA_MEMORY_EMBEDDINGS_API_KEY in the environment.'),
    batch: z.int().min(1).max(MAX_BATCH).prefault(32).describe('Texts in one request.'),
    timeout: durationSchema.prefault('20s').describe('How long a request may take.'),
  })
  .transform(({ timeout, ...rest }) => ({ ...rest, timeoutMs: timeout }));
export type EmbeddingsSettings = Frozen<z.output<typeof embeddingsSchema>>;

const keepField = sumOfDurationsSchema.optional().meta({ examples: ['365d'] });

export const memorySchema = z.strictObject({
  embeddings: embeddingsSchema
    .optional()
    .meta({ examples: [{ url: 'http://127.0.0.1:11434/v1', model: 'nomic-embed-text', dimension: 768 }] })
    .describe(
      'An endpoint of the kind of OpenAI that makes a dense vector of a text: url, model, dimension, apiKey, batch, timeout. None: search by words alone, with no model and no network.',
    ),
  keep: z
    .strictObject(
      Object.fromEntries(MEMORY_KINDS.map((kind) => [kind, keepField.describe(`Of each ${kind}.`)])) as Record<
        (typeof MEMORY_KINDS)[number],
        typeof keepField
      >,
    )
    .prefault({})
    .describe('After how long something is taken out of Qdrant; the bus keeps it. Not set: never.'),
});
export type MemorySettings = Frozen<z.output<typeof memorySchema>>;
