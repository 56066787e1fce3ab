/** Owns the settings `redis:`: what is written in the file, and what it means. Off while nothing names a Redis. */
import { z } from 'zod';
import { Secret } from '../../model/secret.ts';
import { DEFAULT_PORT, type HostPort, parseHostPort, parseRedisUrl, type RedisUrl } from './redis-url.ts';

const SENTINEL_PORT = 26_379;

export interface TlsFiles {
  /** Whom to trust besides the authorities that Node knows; all are paths. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export type RedisAt =
  | RedisUrl['at']
  | {
      readonly kind: 'sentinel';
      readonly sentinels: readonly HostPort[];
      /** What the Sentinels call the group. */
      readonly name: string;
      readonly sentinelUser?: string;
      readonly sentinelPassword?: Secret;
    }
  | { readonly kind: 'cluster'; readonly nodes: readonly HostPort[] };

export interface RedisTarget {
  readonly kind: 'on';
  readonly at: RedisAt;
  readonly user?: string;
  readonly password?: Secret;
  readonly db: number;
  /** Absent: no TLS. */
  readonly tls?: TlsFiles;
  /** In front of every key, its colon included; usually empty. */
  readonly prefix: string;
}

/** `prefix`, where one is set, holds for the Redis that `nika up` starts. */
export type RedisSettings = { readonly kind: 'off'; readonly prefix?: string } | RedisTarget;

const HOST_LIST = 'must be hosts with their ports, such as [10.0.0.1:26379, 10.0.0.2:26379]';

/** A list, or as text with commas: the environment holds no lists. */
const hostsSchema = (defaultPort: number) =>
  z
    .union([z.string(), z.array(z.string({ error: HOST_LIST }))], { error: HOST_LIST })
    .transform((given, context): readonly HostPort[] => {
      const hosts = (typeof given === 'string' ? given.split(',') : given).map((one) =>
        parseHostPort(one, defaultPort),
      );
      if (hosts.length > 0 && !hosts.includes(undefined)) return hosts.filter((host) => host !== undefined);
      context.addIssue(HOST_LIST);
      return z.NEVER;
    });

const urlSchema = z
  .string({ error: 'must be text such as redis://127.0.0.1:6379' })
  .transform((text, context): RedisUrl => {
    const parsed = parseRedisUrl(text.trim());
    if (parsed.ok) return parsed.url;
    context.addIssue(parsed.message);
    return z.NEVER;
  });

const file = (what: string) =>
  z
    .string()
    .min(1)
    .optional()
    .meta({ examples: [`/etc/nika/redis-${what.split(' ')[0]}.pem`] });

const PREFIX = /^[A-Za-z0-9._-]{1,40}$/;

const fields = {
  url: urlSchema
    .optional()
    .meta({ examples: ['redis://127.0.0.1:6379'] })
    .describe(
      'Where Redis is: redis://user:password@host:port/db, rediss:// for TLS, unix:///path for a socket. A password is better set as NIKA_REDIS_URL in the environment than in this file. None: the one that "nika up" started in this home, else nika connects nowhere.',
    ),
  ca: file('ca').describe(
    'With rediss://: a file (PEM) with the authorities to trust; a relative path is inside the home. None: those that Node knows.',
  ),
  cert: file('cert').describe("With rediss://: nika's own certificate (PEM), where the server asks for one."),
  key: file('key').describe('The key of that certificate (PEM).'),
  sentinels: hostsSchema(SENTINEL_PORT)
    .optional()
    .meta({ examples: [['10.0.0.1:26379', '10.0.0.2:26379']] })
    .describe('Sentinels to ask where Redis is; of the url then only user, password, database and TLS count.'),
  name: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ examples: ['mymaster'] })
    .describe('What the Sentinels call it.'),
  sentinelUser: z
    .string()
    .min(1)
    .optional()
    .meta({ examples: ['nika'] })
    .describe('User for the Sentinels themselves, where they ask for one.'),
  sentinelPassword: z
    .string({ error: 'must be text' })
    .transform((text) => new Secret(text))
    .optional()
    .meta({ examples: ['…'] })
    .describe('Password for the Sentinels themselves; better set in the environment.'),
  cluster: z
    .boolean({ error: 'must be true or false' })
    .prefault(false)
    .describe('Whether the url names a node of a Redis Cluster.'),
  nodes: hostsSchema(DEFAULT_PORT)
    .optional()
    .meta({ examples: [['10.0.0.1:6379', '10.0.0.2:6379']] })
    .describe('Further nodes of the Cluster to begin with, for when the one of the url is down.'),
  prefix: z
    .string()
    .regex(PREFIX, { error: 'must be 1 to 40 letters, digits, . _ -; a colon is put behind it' })
    .optional()
    .meta({ examples: ['team-a'] })
    .describe(
      'Stands before every key, with a colon between, on a server that others use too. None: the keys are as documented.',
    ),
};

const objectSchema = z.strictObject(fields, {
  // The usual words would repeat what was written there, and that may be a URL with a password.
  error: (issue) => (issue.code === 'invalid_type' ? 'must be fields by name, such as "url: redis://…"' : undefined),
});

type Given = z.output<typeof objectSchema>;
type Field = keyof typeof fields;

/** What is set and has no meaning without something else. */
const contradictions = (given: Given): readonly (readonly [Field, string])[] => {
  const { url, sentinels, name, cluster } = given;
  const set = (Object.keys(fields) as Field[]).filter((field) => given[field] !== undefined && field !== 'cluster');
  const found: (readonly [Field, string])[] = [];
  const need = (names: readonly Field[], isMet: boolean, message: string): void => {
    if (!isMet) found.push(...set.filter((field) => names.includes(field)).map((field) => [field, message] as const));
  };
  const isOn = url !== undefined || sentinels !== undefined;
  need(['name', 'nodes'], isOn, 'has no meaning without "url"');
  if (cluster && url === undefined)
    found.push(['cluster', 'has no meaning without "url", which names a node of the Cluster']);
  need(['ca', 'cert', 'key'], url?.isTls === true, 'has no meaning without TLS: the url must begin with rediss://');
  need(
    ['name', 'sentinelUser', 'sentinelPassword'],
    !isOn || sentinels !== undefined,
    'has no meaning without "sentinels"',
  );
  need(['nodes'], !isOn || cluster, 'has no meaning without "cluster: true"');
  need(['sentinels'], name !== undefined, 'needs "name": what the Sentinels call the Redis to use');
  need(['cert'], given.key !== undefined, 'needs "key", the key of that certificate');
  need(['key'], given.cert !== undefined, 'needs "cert", the certificate of that key');
  if (cluster && sentinels !== undefined)
    found.push(['cluster', 'a Cluster has no Sentinels: leave one of the two away']);
  if (cluster && url?.at.kind === 'unix')
    found.push(['cluster', 'a Cluster has no Unix socket: name a host and a port']);
  if (cluster && url !== undefined && url.db !== 0) found.push(['url', 'a Cluster has only the database 0']);
  return found;
};

const atOf = (given: Given): RedisAt | undefined => {
  const { url, sentinels, name = '', sentinelUser, sentinelPassword, nodes = [] } = given;
  if (sentinels !== undefined) {
    return {
      kind: 'sentinel',
      sentinels,
      name,
      ...(sentinelUser === undefined ? {} : { sentinelUser }),
      ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    };
  }
  if (given.cluster && url?.at.kind === 'tcp') {
    const { host, port } = url.at;
    return { kind: 'cluster', nodes: [{ host, port }, ...nodes] };
  }
  return url?.at;
};

const resolve = (given: Given): RedisSettings => {
  const at = atOf(given);
  const prefix = given.prefix === undefined ? '' : `${given.prefix}:`;
  if (at === undefined) return prefix === '' ? { kind: 'off' } : { kind: 'off', prefix };
  const { url, ca, cert, key } = given;
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  return {
    kind: 'on',
    at,
    ...(url?.user === undefined ? {} : { user: url.user }),
    ...(url?.password === undefined ? {} : { password: url.password }),
    db: url?.db ?? 0,
    ...(url?.isTls === true ? { tls } : {}),
    prefix,
  };
};

export const redisSchema = objectSchema.transform((given, context): RedisSettings => {
  const found = contradictions(given);
  for (const [field, message] of found)
    context.issues.push({ code: 'custom', message, path: [field], input: undefined });
  return found.length === 0 ? resolve(given) : z.NEVER;
});
