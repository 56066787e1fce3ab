import { describe, expect, it } from 'vitest';
import { NikaError } from '../../model/error.ts';
import { checkValue } from '../yaml/field-issue.ts';
import { type Job, jobSchema } from './job.ts';
import { resolveInputs } from './job-inputs.ts';

const jobWith = (inputs: Record<string, unknown>): Job => {
  const steps = [{ tool: 'shell', input: { command: 'ls' } }];
  const checked = checkValue(jobSchema, { name: 'x', description: 'd', domain: 'd', intent: 'i', inputs, steps });
  if (!checked.ok) throw new Error(JSON.stringify(checked.issues));
  return checked.value;
};

const JOB = jobWith({
  who: { required: true },
  top: { type: 'number', default: 10 },
  deep: { type: 'boolean' },
  note: {},
});

const refusal = (given: readonly string[], job = JOB): string => {
  try {
    return JSON.stringify(resolveInputs(job, given));
  } catch (thrown) {
    if (!(thrown instanceof NikaError) || thrown.code !== 'NIKA_JOB_BAD_INPUT') throw thrown;
    return thrown.message;
  }
};

describe('resolveInputs', () => {
  it('types what was given, adds the defaults, and leaves out what is neither', () => {
    expect(resolveInputs(JOB, ['who=a=b', 'deep=false'])).toEqual({ who: 'a=b', top: 10, deep: false });
    expect(resolveInputs(JOB, ['who=', 'top=-1.5e3'])).toEqual({ who: '', top: -1500 });
  });

  it('tells all mistakes at once', () => {
    expect(refusal(['top=ten', 'deep=yes', 'nte=x', 'note', 'note=a', 'note=b', '=x'])).toBe(
      [
        'inputs of x: 7 mistakes:',
        'top: must be a number, not "ten"',
        'deep: must be true or false, not "yes"',
        'nte: unknown input; did you mean "note"?',
        '"note": must be name=value',
        'note: given twice',
        '"=x": must be name=value',
        'who: is missing; give it with --input who=…',
      ].join('\n  '),
    );
    expect(refusal(['x=1'], jobWith({}))).toBe('inputs of x: x: unknown input; this job has none');
  });

  it('takes for a number only what is one', () => {
    for (const text of ['', ' ', '0x10', 'Infinity', 'NaN', '1_000', '1e999'])
      expect(refusal(['who=a', `top=${text}`])).toContain('must be a number');
  });

  it('is not fooled by names of the prototype', () => {
    expect(refusal(['who=a', 'constructor=1', '__proto__=1'])).toContain('constructor: unknown input');
  });
});
