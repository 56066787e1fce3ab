/**
 * Owns how people write where Redis is: `redis://user:password@host:6379/0`, `rediss://…`, `unix:///run/redis.sock?db=1`.
 * Nothing that is said of a wrong one repeats any of it: the password stands in it. Pure.
 */
import { Secret } from '../../model/secret.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface RedisUrl {
  readonly at: (HostPort & { readonly kind: 'tcp' }) | { readonly kind: 'unix'; readonly path: string };
  readonly isTls: boolean;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  /** Number of the database. */
  readonly db: number;
}

export type ParsedUrl =
  | { readonly ok: true; readonly url: RedisUrl }
  | { readonly ok: false; readonly message: string };

export const DEFAULT_PORT = 6379;
const FORMS =
  'must be redis://host:port, rediss://host:port (TLS) or unix:///path/to/redis.sock; redis://user:password@host:port/1 names a user and a database';
const ESCAPES = 'in a user or password write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F and % as %25';
const MAX_DB = 1_000_000;

const wrong = (message: string): ParsedUrl => ({ ok: false, message });

/** Digits as the number of a database; `undefined`: it is none. */
const dbOf = (text: string): number | undefined =>
  /^\d{1,7}$/.test(text) && Number(text) <= MAX_DB ? Number(text) : undefined;

/** `undefined`: a `%` that begins no escape. */
const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

const parseUnix = (text: string): ParsedUrl => {
  const match =
    /^(?:unix:(?:\/\/)?)?(?:(?<user>[^/@:]*)(?::(?<password>[^/@]*))?@)?(?<path>\/[^?#]*)(?<query>\?[^#]*)?$/u.exec(
      text,
    );
  if (match?.groups === undefined) return wrong(FORMS);
  const { user = '', password = '', path = '', query = '' } = match.groups;
  const [name, secret, file] = [decoded(user), decoded(password), decoded(path)];
  if (name === undefined || secret === undefined || file === undefined) return wrong(ESCAPES);
  const params = new URLSearchParams(query);
  const db = dbOf(params.get('db') ?? '0');
  if (db === undefined || [...params.keys()].some((key) => key !== 'db'))
    return wrong('only the number of the database may stand behind the socket, as ?db=1');
  return {
    ok: true,
    url: {
      at: { kind: 'unix', path: file },
      isTls: false,
      user: name === '' ? undefined : name,
      password: secret === '' ? undefined : new Secret(secret),
      db,
    },
  };
};

/** As the URL that it is; `undefined`: it is none. What is thrown would repeat it. */
const asUrl = (text: string): URL | undefined => {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
};

const parseTcp = (text: string): ParsedUrl => {
  const url = asUrl(text);
  const looksEscaped = /@.*@|@.*#|[#?/].*@/.test(text.replace(/^[a-z]+:\/\//i, ''));
  if (url === undefined || url.hostname === '') return wrong(looksEscaped ? ESCAPES : FORMS);
  if (url.hash !== '' || url.search !== '')
    return wrong(`nothing may stand behind the database, neither ? nor #; ${ESCAPES}`);
  const path = url.pathname.replace(/^\//, '');
  const db = dbOf(path === '' ? '0' : path);
  if (db === undefined) return wrong(`the database must be a number, as in redis://host:6379/1; ${ESCAPES}`);
  const [user, password] = [decoded(url.username), decoded(url.password)];
  if (user === undefined || password === undefined) return wrong(ESCAPES);
  return {
    ok: true,
    url: {
      at: {
        kind: 'tcp',
        host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: url.port === '' ? DEFAULT_PORT : Number(url.port),
      },
      isTls: url.protocol === 'rediss:',
      user: user === '' ? undefined : user,
      password: password === '' ? undefined : new Secret(password),
      db,
    },
  };
};

/** Where Redis is; a message that holds nothing of the text where it cannot be read. */
export const parseRedisUrl = (text: string): ParsedUrl => {
  if (text.startsWith('/') || text.startsWith('unix:')) return parseUnix(text);
  return /^rediss?:\/\//i.test(text) ? parseTcp(text) : wrong(FORMS);
};

/** `host`, `host:port`, `[::1]:port`; `undefined`: none of these. */
export const parseHostPort = (text: string, defaultPort: number): HostPort | undefined => {
  const match = /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<host>[A-Za-z0-9._-]+))(?::(?<port>\d{1,5}))?$/.exec(text.trim());
  const host = match?.groups?.['v6'] ?? match?.groups?.['host'];
  const port = Number(match?.groups?.['port'] ?? defaultPort);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
};
