/** Owns `docs/reference/errors.md`: every code, what it means, what to do. */
import { ERROR_CODES } from '../../src/model/error-codes.ts';

export const errorReference = (): string =>
  [
    '# Error codes',
    'A code never changes its meaning. The exit code is what the command ends with.',
    [
      '| code | exit | meaning | what to do |',
      '|---|---|---|---|',
      ...Object.entries(ERROR_CODES).map(
        ([code, { exitCode, meaning, remedy }]) => `| \`${code}\` | ${exitCode} | ${meaning} | ${remedy} |`,
      ),
    ].join('\n'),
  ].join('\n\n');
