import { describe, expect, it } from 'vitest';
import { createBodyEncoder } from '../body.ts';

/**
 * Texts made of what a search begins at, over and over. Time is linear in their length: about 10 ms each here; were one search
 * quadratic, it would take minutes.
 */
const UNITS = [
  'a', 'a_', 'a-', 'a.', '-', '--', ':', '=', '"', '\\', '\\"', '\\n', '%22', '\u001B[', '://', 'a://b:', '://a:b@', '://a:b', '</', '</token>',
  'eyJ', 'eyJ.', 'eyJhbGciOiJIUzI1NiJ9.', 'sk-', 'sk-ant-', 'ghp_', 'AKIA', 'AKIAIOSFODNN7EXAMPLE ', 'dp.', 'xox', 'MT', 'key-', 'LS0tLS1CRUdJTi',
  'AC0123456789abcdef0123456789abcdef ', '123456789:AA', 'Bearer aaaaaaaaaaaaaaaa', 'Basic aaaaaaaaaaaaaaaa ',
  '-----BEGIN', '-----BEGIN PRIVATE KEY-----', '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n', '-----END PRIVATE KEY-----',
  `${'A'.repeat(64)}\n-----END PRIVATE KEY-----`, 'password=', 'password="', "password='", 'password=\\"', 'password="\\"', 'password: ',
  'password:(', 'token:(((', 'token:', 'token="', 'token: string = ', 'secret: a.', 'secret: /', 'PASSWORD=a,b', 'PASSWORD=a;', 'value: ',
  'name: db_password\nvalue: ', 'authorization: ', 'Authorization: Bearer ', 'cookie: a=', '--password ', 'curl -u a:', ' -u ', 'x-api-key: ',
  'curl -ua:b ', 'curl --user ', ' -pa', 'mysql -p', '-aaaaau', 'machine ', 'machine a.b ', 'machine a login b ', 'default login a account b ', 'login a ',
  '$', '$6$', '$6$a$', '$y$j9T$', '$2b$12$', '$argon2id$v=19$m=1,t=1,p=1$aaaaaaaa$', 'Private-Lines: 9\n', `Private-Lines: 9999\n${'A'.repeat(64)}\n`,
]; // prettier-ignore

const LENGTH = 128 * 1024;
const MAX_MS = 1_000;

const encoder = createBodyEncoder({ maxBodyBytes: 1024 * 1024, patterns: [] });

const msOf = (value: unknown): number => {
  const startMs = performance.now();
  encoder.encode(value);
  return performance.now() - startMs;
};

describe('the time of redaction (G1, G6)', () => {
  it.each(UNITS)('is bounded for %j over and over', (unit) => {
    const text = unit.repeat(Math.ceil(LENGTH / unit.length)).slice(0, LENGTH);
    for (const end of ['', '"']) expect(msOf(`${text}${end}`)).toBeLessThan(MAX_MS);
  });

  it('is bounded by the cap, not by the text', () => {
    expect(msOf('password=x '.repeat(10_000_000))).toBeLessThan(MAX_MS);
  });
});
