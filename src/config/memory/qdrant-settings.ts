/** Owns the settings `qdrant:`: where memory is, and how it is reached. Off while nothing names a Qdrant. */
import { z } from 'zod';
import { Secret } from '../../model/secret.ts';

export interface QdrantTarget {
  readonly kind: 'on';
  /** With scheme and port, without a slash at its end and without credentials. */
  readonly url: string;
  readonly apiKey?: Secret;
  readonly collection: string;
}

/** `collection` holds for the Qdrant that `nika up` starts, too. */
export type QdrantSettings = { readonly kind: 'off'; readonly collection: string } | QdrantTarget;

const URL_FORM = 'must be like http://127.0.0.1:6333 or https://qdrant.example.org:6333';
const DEFAULT_PORT = '6333';

/** Whether the port stands in the text itself: a URL leaves out the one that its scheme has anyway. */
const namesPort = (text: string): boolean => /^[a-z]+:\/\/(?:\[[^\]]*\]|[^/:?#]*):\d+/i.test(text);

const urlSchema = z.string({ error: URL_FORM }).transform((given, context): string => {
  const text = given.trim();
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    context.addIssue(URL_FORM);
    return z.NEVER;
  }
  if (url.username !== '' || url.password !== '') {
    context.addIssue('must hold no user and password: Qdrant takes a key, see "apiKey"');
    return z.NEVER;
  }
  if (url.search !== '' || url.hash !== '') {
    context.addIssue(URL_FORM);
    return z.NEVER;
  }
  const port = namesPort(text) ? url.port || (url.protocol === 'https:' ? '443' : '80') : DEFAULT_PORT;
  return `${url.protocol}//${url.hostname}:${port}${url.pathname.replace(/\/+$/, '')}`;
});

export const qdrantSchema = z
  .strictObject(
    {
      url: urlSchema
        .optional()
        .meta({ examples: ['http://127.0.0.1:6333'] })
        .describe('Where Qdrant is. None: the one that "nika up --qdrant" started in this home, else there is none.'),
      apiKey: z
        .string({ error: 'must be text' })
        .min(1)
        .transform((text) => new Secret(text))
        .optional()
        .meta({ examples: ['…'] })
        .describe('The key that it asks for; better set as NIKA_QDRANT_API_KEY in the environment.'),
      collection: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, { error: 'must be 1 to 100 letters, digits, . _ -' })
        .prefault('nika_memory')
        .describe('Name of the collection. Homes that name the same one share their memory.'),
    },
    {
      error: (issue) => (issue.code === 'invalid_type' ? 'must be fields by name, such as "url: http://…"' : undefined),
    },
  )
  .transform(({ url, apiKey, collection }, context): QdrantSettings => {
    if (url !== undefined) return { kind: 'on', url, ...(apiKey === undefined ? {} : { apiKey }), collection };
    if (apiKey === undefined) return { kind: 'off', collection };
    context.issues.push({
      code: 'custom',
      message: 'has no meaning without "url"',
      path: ['apiKey'],
      input: undefined,
    });
    return z.NEVER;
  });
