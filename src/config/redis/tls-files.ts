/** Owns the look at the certificates that `redis:` names: a wrong path is told at its line, not as an outage hours later. */
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { errnoOf } from '../../model/error.ts';
import type { FieldIssue } from '../yaml/field-issue.ts';
import type { RedisSettings, TlsFiles } from './redis-settings.ts';

const WANTED: Readonly<Record<keyof TlsFiles, RegExp>> = {
  ca: /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/,
  cert: /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/,
  key: /-----BEGIN ([A-Z0-9]+ )?PRIVATE KEY-----/,
};

const whyUnreadable = (thrown: unknown): string => {
  const errno = errnoOf(thrown);
  if (errno === 'ENOENT') return 'it is not there';
  return errno === 'EACCES' ? 'it may not be read' : (errno ?? 'it is no file');
};

const problemOf = (name: keyof TlsFiles, path: string): string | undefined => {
  try {
    if (WANTED[name].test(readFileSync(path, 'utf8'))) return undefined;
    return `${path} holds no ${name === 'key' ? 'private key' : 'certificate'} in PEM form`;
  } catch (thrown) {
    return `${path} cannot be read: ${whyUnreadable(thrown)}`;
  }
};

/** The settings with absolute paths, and what is wrong with the files there. */
export const settleTlsFiles = (
  settings: RedisSettings,
  homeDir: string,
): { readonly settings: RedisSettings; readonly issues: readonly FieldIssue[] } => {
  if (settings.kind === 'off' || settings.tls === undefined) return { settings, issues: [] };
  const given = Object.entries(settings.tls) as [keyof TlsFiles, string][];
  const files = given.map(([name, path]) => [name, isAbsolute(path) ? path : join(homeDir, path)] as const);
  const issues = files.flatMap(([name, path]) => {
    const message = problemOf(name, path);
    return message === undefined ? [] : [{ path: ['redis', name], isAboutKey: false, message }];
  });
  return { settings: { ...settings, tls: Object.fromEntries(files) }, issues };
};
