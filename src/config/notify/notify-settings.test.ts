import { describe, expect, it } from 'vitest';
import { checkValue } from '../yaml/field-issue.ts';
import { notifySchema } from './notify-settings.ts';

const issuesOf = (way: unknown): readonly string[] => {
  const checked = checkValue(notifySchema, [way]);
  return checked.ok ? [] : checked.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

describe('notify in config/nika.yaml', () => {
  it('is a way with its filters, each with a default', () => {
    expect(notifySchema.parse([{ command: 'say hello' }])).toEqual([
      {
        on: ['failed', 'waiting', 'lost', 'budget', 'review'],
        reasons: ['permission', 'question', 'idle', 'api_error', 'silent'],
        jobs: ['*'],
        domains: ['*'],
        afterMs: 10_000,
        minDurationMs: 0,
        timeoutMs: 10_000,
        target: { kind: 'command', argv: ['/bin/sh', '-c', 'say hello'], shown: 'say hello' },
      },
    ]);
  });

  it.each([
    [{}, '0: must have one of "desktop", "command" and "webhook"'],
    [{ desktop: true, command: 'x' }, '0: must have one of "desktop", "command" and "webhook"'],
    [{ desktop: false }, '0.desktop: must be true; leave it away for another way'],
    [{ desktop: true, on: ['done'] }, expect.stringMatching(/^0\.on\.0: must not be "done"; /)],
    [{ desktop: true, on: [] }, '0.on: must not be empty'],
    [{ webhook: { url: 'ftp://x' } }, '0.webhook.url: must be an address that begins with https:// or http://'],
    [{ webhook: { url: 'https://me:pw@x' } }, expect.stringContaining('must hold no login')],
    [{ webhook: { url: { enw: 'X' } } }, '0.webhook.url: must be text, { env: NAME } or { file: PATH }'],
    [{ desktop: true, after: '10' }, expect.stringContaining('0.after: must be a duration')],
    [{ desktop: true, min_duration: '1m' }, expect.stringMatching(/0\.min_duration: unknown field; .*minDuration/)],
  ])('%j is refused: %s', (way, issue) => {
    expect(issuesOf(way)).toEqual([issue]);
  });

  it('G7: takes no secret itself, only where it stands', () => {
    const webhook = { url: 'https://example.com', secret: 'whsec_abc' };
    expect(issuesOf({ webhook })).toEqual([
      '0.webhook.secret: must be { env: NAME } or { file: PATH }: the secret itself does not belong into this file',
    ]);
    expect(issuesOf({ webhook: { ...webhook, secret: { file: '/run/secrets/hook' } } })).toEqual([]);
  });
});
