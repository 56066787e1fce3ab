import { expect, it } from 'vitest';
import { parseYaml } from '../yaml/yaml-file.ts';
import { checkJob } from './job-check.ts';
import { orderedWorktree } from './worktree-order.ts';

it('a command line stands before the job: what it does not say stays as the job has it', () => {
  const wanted = { base: 'v1', keep: 'always' } as const;
  expect(orderedWorktree(wanted, undefined)).toBe(wanted);
  expect(orderedWorktree(wanted, true)).toBe(wanted);
  expect(orderedWorktree('parent', true)).toBe(true);
  expect(orderedWorktree(undefined, true)).toBe(true);
  expect(orderedWorktree(wanted, false)).toBe(false);
  expect(orderedWorktree(wanted, { branch: 'x' })).toEqual({ ...wanted, branch: 'x' });
  expect(orderedWorktree(true, { base: 'HEAD~1', branch: undefined })).toEqual({ base: 'HEAD~1' });
});

it('what is typed is taken as it stands: no expression in it is read', () => {
  const { base = '' } = orderedWorktree(true, { base: '${{ env.HOME }}' }) as { base?: string };
  expect(base).not.toContain('${{ env.HOME }}');
});

const problemsOf = (field: string): string => {
  const head = 'name: x\ndescription: x\ndomain: test\nintent: prove\ncommand: ["true"]\ninputs: { isolated: {} }\n';
  const read = parseYaml('x.yaml', `${head}worktree: ${field}\n`);
  const outcome = read.ok ? checkJob(read.yaml) : read;
  return outcome.ok ? '' : outcome.problems.map(({ field: at, message }) => `${at}: ${message}`).join('\n');
};

it.each(['true', 'parent', '${{ inputs.isolated }}', '{ base: "${{ inputs.isolated }}", keep: never }'])(
  'worktree: %s is right',
  (field) => {
    expect(problemsOf(field)).toBe('');
  },
);

it.each([
  ['maybe', /worktree: must be true, false, parent, or an object with base, branch, keep, path/],
  ['{ keep: sometimes }', /worktree/],
  ['{ bsae: x }', /worktree/],
  ['{ base: "${{ inputs.nope }}" }', /unknown input "nope"/],
  ['{ branch: "${{ steps.a.output }}" }', /no step has a result yet here/],
])('worktree: %s is wrong', (field, said) => {
  expect(problemsOf(field)).toMatch(said);
});
