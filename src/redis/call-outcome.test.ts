import { describe, expect, it } from 'vitest';
import { Secret } from '../model/secret.ts';
import { codeOf, outcomeOf, tellError } from './call-outcome.ts';

const reply = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });

describe('codeOf', () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'. script: 1a, on @user_script:3.", 'OOM'],
    ['ERR Error running script (call to f_1a): @user_script:3: WRONGTYPE Operation against a key', 'WRONGTYPE'],
    ["ERR The user executing the script can't run this command or subcommand script: 1a", 'NOPERM'],
    ['NOSCRIPT No matching script. Please use EVAL.', 'NOSCRIPT'],
    ['CLUSTERDOWN The cluster is down', 'CLUSTERDOWN'],
    ['ERR unknown command', 'ERR'],
    ['something else', 'ERR'],
  ])('finds the code in "%s"', (message, code) => {
    expect(codeOf(message)).toBe(code);
  });
});

describe('tellError', () => {
  it('takes out passwords, and all arguments that a server repeats, which may be cut', () => {
    const secrets = [new Secret('hunter2'), new Secret('')];
    expect(tellError(new Error('no hunter2 here, hunter2'), secrets)).toBe('no [secret] here, [secret]');
    expect(tellError(reply("ERR unknown command 'AUTH', with args beginning with: 'hunt"), secrets)).toBe(
      "ERR unknown command 'AUTH'",
    );
  });

  it('says something of every error, on one short line', () => {
    const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
    expect(tellError(refused, [])).toBe('ECONNREFUSED');
    expect(tellError(new AggregateError([new Error('a'), new Error('b')]), [])).toBe('a, b');
    expect(tellError(new Error('a\r\nb'), [])).toBe('a b');
    expect(tellError(new Error('x'.repeat(9999)), [])).toHaveLength(300);
    expect(tellError(undefined, [])).toBe('undefined');
  });
});

describe('outcomeOf', () => {
  it('tells what was refused, what was never sent, and what may have been done', () => {
    expect(outcomeOf(reply('WRONGTYPE x'), [])).toEqual({ kind: 'refused', code: 'WRONGTYPE', why: 'WRONGTYPE x' });
    const unsent = new Error("Stream isn't writeable and enableOfflineQueue options is false");
    expect(outcomeOf(unsent, []).kind).toBe('unsent');
    expect(outcomeOf(new Error('Connection is closed.'), [])).toEqual({
      kind: 'unknown',
      why: 'the connection was lost before the answer came',
    });
  });
});
