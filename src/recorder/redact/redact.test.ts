import { describe, expect, it } from 'vitest';
import { NikaError } from '../../model/error.ts';
import { RedactedCounts, Redactor } from './redact.ts';

const redactor = new Redactor([]);
const redact = (text: string): string => redactor.redact(text, text.length, new RedactedCounts());

type Row = readonly [text: string, redacted: string];

const P = '[redacted:password]';
const K = '[redacted:key]';
const S = '[redacted:secret]';
const T = '[redacted:token]';
const A = '[redacted:authorization]';
const U = '[redacted:url-password]';

const named: readonly Row[] = [
  // environment, shells
  ['DB_PASSWORD=letmein', `DB_PASSWORD=${P}`],
  ['export API_KEY=abcdefghi', `export API_KEY=${K}`],
  ['DB_PASSWORD=secret', `DB_PASSWORD=${P}`],
  ['password=password1 secret=password1', `password=${P} secret=${S}`],
  ['PGPASSWORD=x psql -h db', `PGPASSWORD=${P} psql -h db`],
  ['SMTP_PASS=hunter2\nSMTP_HOST=mail', `SMTP_PASS=${P}\nSMTP_HOST=mail`],
  ['DB_PASSWORD=a,b;c&d|e', `DB_PASSWORD=${P}`],
  ['TOKEN=k3f9xq2m; echo done', `TOKEN=${T}; echo done`],
  ['TOKEN=k3f9xq2m&&make', `TOKEN=${T}&&make`],
  ['docker run -e MYSQL_ROOT_PASSWORD=letmein mysql', `docker run -e MYSQL_ROOT_PASSWORD=${P} mysql`],
  ['password=\u001b[33mhunter2\u001b[0m', `password=\u001b[33m${P}\u001b[0m`],
  // flags
  ['mysql --password hunter2 -u bob', `mysql --password ${P} -u bob`],
  ['mysql --password=hunter2', `mysql --password=${P}`],
  ['x --client-secret "a b c" y', `x --client-secret "${S}" y`],
  ['x --client-secret "abc.def" y', `x --client-secret "${S}" y`],
  ['gh --token s3cr3t99 api', `gh --token ${T} api`],
  ['["--password","hunter2","-v"]', `["--password","${P}","-v"]`],
  ['curl -s -u bob:hunter2 https://x', `curl -s -u bob:${P} https://x`],
  ["curl -u 'bob:hunt er2' https://x", `curl -u 'bob:${P}' https://x`],
  ['sshpass -p hunter2 ssh bob@h', `sshpass -p ${P} ssh bob@h`],
  ['docker login -u bob -p hunter2 r.io', `docker login -u bob -p ${P} r.io`],
  ['redis-cli -a hunter2 ping', `redis-cli -a ${P} ping`],
  ['curl --user bob:hunter2 https://x', `curl --user bob:${P} https://x`],
  ['curl --user=bob:hunter2 https://x', `curl --user=bob:${P} https://x`],
  ['curl --proxy-user "bob:hunt er2" u', `curl --proxy-user "bob:${P}" u`],
  ['curl -sSu bob:hunter2 https://x', `curl -sSu bob:${P} https://x`],
  ['curl -ubob:hunter2 https://x', `curl -ubob:${P} https://x`],
  ["curl -u'bob:hunt er2' https://x", `curl -u'bob:${P}' https://x`],
  ['curl -x p:80 -Ubob:hunter2 u', `curl -x p:80 -Ubob:${P} u`],
  ['["curl","--user","bob:hunter2"]', `["curl","--user","bob:${P}"]`],
  ['sshpass -phunter2 ssh -p2222 bob@h', `sshpass -p${P} ssh -p2222 bob@h`],
  ["sshpass -p'hunt er2' ssh bob@h", `sshpass -p'${P}' ssh bob@h`],
  ['docker login -u bob -phunter2 r.io', `docker login -u bob -p${P} r.io`],
  ['mysql -u root -phunter2 shop', `mysql -u root -p${P} shop`],
  ['mysqldump -uroot -p"hunt er2" shop > x.sql', `mysqldump -uroot -p"${P}" shop > x.sql`],
  ['mariadb-dump -psecret shop', `mariadb-dump -p${P} shop`],
  ['mysql --password hunter2 shop', `mysql --password ${P} shop`],
  // URLs and queries
  ['postgres://bob:hunter2@db:5432/x', `postgres://bob:${U}@db:5432/x`],
  ['amqp://guest:secret@mq', `amqp://guest:${U}@mq`],
  ['redis://:hunter2@cache', `redis://:${U}@cache`],
  ['mongodb+srv://u:p@ss:w@host/db', `mongodb+srv://u:${U}@host/db`],
  ['postgres://u:pa/ss?x@host/db', `postgres://u:${U}@host/db`],
  ['https:\\/\\/u:hunter2@h\\/x', `https:\\/\\/u:${U}@h\\/x`],
  ['https://0123456789abcdef0123456789abcdef@sentry.io/1', `https://${U}@sentry.io/1`],
  ['GET /x?access_token=abcdef&page=2', `GET /x?access_token=${T}&page=2`],
  ['?api_key=abcdefgh#top', `?api_key=${K}`],
  ['Server=db;User=sa;Password=letme,in;Timeout=3', `Server=db;User=sa;Password=${P};Timeout=3`],
  ['EndpointProtocol=https;AccountKey=abc+/9==;Suffix=x', `EndpointProtocol=https;AccountKey=${K};Suffix=x`],
  // files
  ['password: hunter2', `password: ${P}`],
  ['  password: letmein\n  user: bob', `  password: ${P}\n  user: bob`],
  ['- password: hunter2 and more # hm\n', `- password: ${P} # hm\n`],
  ['client_secret = "a1b2c3"', `client_secret = "${S}"`],
  ["'apiKey': 'abc-def-1',", `'apiKey': '${K}',`],
  ['"private_key" : "abcdef"', '"private_key" : "[redacted:private-key]"'],
  ['config["password"] = "x"', `config["password"] = "${P}"`],
  ["'password' => 'hunter2'", `'password' => '${P}'`],
  ['const char password[] = "hunter2";', `const char password[] = "${P}";`],
  ['password: string = "hunter2"', `password: string = "${P}"`],
  ['let password: &str = "hunter2";', `let password: &str = "${P}";`],
  ['password := "hunter2"', `password := "${P}"`],
  ['password = f"hunter{2}"', `password = f"${P}"`],
  ['password = """hunter2"""', `password = """${P}"""`],
  ['<password>hunter2</password>', `<password>${P}</password>`],
  ['<server><token type="x">k3f9xq2m</token></server>', `<server><token type="x">${T}</token></server>`],
  ['- name: DB_PASSWORD\n  value: letmein7\n', `- name: DB_PASSWORD\n  value: ${P}\n`],
  ['{"name":"API_KEY","value":"abcdefg"}', `{"name":"API_KEY","value":"${K}"}`],
  ['"auth": "dXNlcjpodW50ZXIy"', `"auth": "${T}"`],
  ['//registry.npmjs.org/:_authToken=0a1b2c3d-0000', `//registry.npmjs.org/:_authToken=${T}`],
  ['machine api.github.com login bob password hunter2', `machine api.github.com login bob password ${P}`],
  ['machine h\n  login bob\n  password hunter2\nmachine x', `machine h\n  login bob\n  password ${P}\nmachine x`],
  ['machine git.example.org password x1', `machine git.example.org password ${P}`],
  ['machine h login b account c password "hunt er2"', `machine h login b account c password "${P}"`],
  ['machine h\ndefault login anonymous password bob@h', `machine h\ndefault login anonymous password ${P}`],
  ['пароль password=привет9', `пароль password=${P}`],
  // JSON in JSON
  ['{\\"password\\":\\"x\\"}', `{\\"password\\":\\"${P}\\"}`],
  ['{\\\\\\"password\\\\\\":\\\\\\"a\\\\\\\\\\\\\\"b\\\\\\"}', `{\\\\\\"password\\\\\\":\\\\\\"${P}\\\\\\"}`],
  ['{"password":"password","token":"token"}', `{"password":"${P}","token":"token"}`],
  ['{"password":"a\\"b\\\\"}', `{"password":"${P}"}`],
  ['"DB_PASSWORD=letmein\\nUSER=bob"', `"DB_PASSWORD=${P}\\nUSER=bob"`],
  ['\\nexport TOKEN=k3f9xq2m\\n', `\\nexport TOKEN=${T}\\n`],
  // headers
  ['Authorization: Bearer abc.def', `Authorization: Bearer ${A}`],
  ['curl -H "Authorization: Basic dXNlcjpwYXNz" u', `curl -H "Authorization: Basic ${A}" u`],
  ['{"authorization":"token k3f9xq2m"}', `{"authorization":"token ${A}"}`],
  ['Proxy-Authorization: Basic abc=\r\nHost: x', `Proxy-Authorization: Basic ${A}\r\nHost: x`],
  ['> X-Api-Key: abcdef12', `> X-Api-Key: ${K}`],
  ['X-Vault-Token: k3f9xq2mm', `X-Vault-Token: ${T}`],
  ['Cookie: sid=abc; theme=dark\nHost: x', 'Cookie: [redacted:cookie]\nHost: x'],
  ['Cookie: a=***; sid=abc', 'Cookie: [redacted:cookie]'],
  ['Set-Cookie: sid=abc; HttpOnly\\r\\n', 'Set-Cookie: [redacted:cookie]\\r\\n'],
  ['sent "Bearer 0123456789abcdef0" there', `sent "Bearer ${A}" there`],
];

const untouched: readonly string[] = [
  'tokens: 1234, max_tokens=100, token_count: 7',
  '"usage":{"input_tokens":12,"token":5,"password":null,"secret":""}',
  'tokenizer=bpe pad_token="<pad>" eos_token: "[EOS]" next_token=abc123def456',
  'password=${DB_PASSWORD} password=$PASSWORD password=$(pass show x)',
  'password=<password> password: "***" password=xxxxxxxx api_key: "..."',
  'token: process.env.TOKEN, key = os.environ["KEY"], secret=os.getenv("S")',
  'password: "{{ vault_password }}" secret: !vault |',
  'password_file=/run/secrets/db PWD=/home/bob/src OLDPWD=/tmp',
  'Cookie: a=***; b=${B}',
  'const token = tokens[index]; if (token === Token.Key) next(token);',
  'interface A { token: string; password?: string; secretKey: KeyOf<T> }',
  'def login(self, password: str, token: Optional[str] = None):',
  'login(password=password, token=auth_token, api_key=self.api_key)',
  'let password = form.password.value; const secret = await getSecret();',
  'token := scanner.Scan()',
  '{ token: "comment", regex: "x" }, { token: "constant.language.escape" }',
  'label: "Password", password: "Please enter your password"',
  'type: password',
  "getpass(prompt='Password: ', stream=None)",
  "args.append('--password=' + password)",
  'def read(self, name, pwd=None): pass',
  'password: Required. Input only. The password of the account.',
  'user_pass = "%s:%s"; styles = { Token: "#f8f8f2" }',
  'see `OAuth Token`: https://tools.ietf.org/html/rfc6749#section-3.2',
  '"input_token": "NextToken", "limit_key": "MaxKeys"',
  'STENCIL_PASS: 0x0B96, ownPass: !!s, token: params[0], auth: this.auth',
  "fetch(url, { credentials: 'same-origin' })",
  'Authorization: Bearer ${token}',
  "headers: { 'Authorization': 'Bearer ' + token, Cookie: cookies.get() }",
  'Authorization: Basic auth is needed',
  'PASS: test_login_2 (0.01s)  pass=12 fail=0',
  'sort_key: name, primary_key=id, public_key: abc123def456',
  'http://localhost:8080/a@b http://[::1]:80/x@y https://github.com/a/b',
  'git@github.com:a/b.git ssh://git@host/x mailto:a@b.c',
  'docker run -u 1000:1000 x; mkdir -p a/b; ls -a x',
  'docker run --user 1000:1000 -p8080:80 x; id -u bob; ssh -p2222 bob@h; cp -pr a b',
  'docker run --name mysql -p3306:3306 -p127.0.0.1:3307:3306 mysql:8',
  'mysql -u root -p shop; mysql -P3306 -p"$PW"; mysql -p${PW} shop; sshpass -e ssh -p 2222 h',
  'curl -u bob https://x:1; curl -u $LOGIN u; curl -o a:b u; curl --user-agent a:b u; curl -u "$USER:$PW" u',
  'see "sshpass -p" and "mysql -p", which take a password',
  'the machine learning password manager and the default login password page',
  'machine x login $USER password $PW; default login bob password ***',
  'costs $6 or $5.50, $1$, $2 and $y; s/$1/$2/; $2a; ${x}$6$',
  'PuTTY keys have Public-Lines: 2 and Private-Lines: 14, then a MAC',
  'npm run test -- --token-file x --no-password',
  'see https://bob:${PASS}@host and https://bob:***@host',
  'x == password && password != other',
  'sk-loading-spinner-of-the-page task-manager-with-a-long-name',
  'risk-0123456789abcdefghijklmnop',
  'd41d8cd98f00b204e9800998ecf8427e da39a3ee5e6b4b0d3255bfef95601890afd80709',
  '0193f9c4-7b1a-7d5e-9f00-1234567890ab',
  'if (text.includes("-----BEGIN PRIVATE KEY-----")) return;',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  'a password is needed; the token: we will see',
  '[redacted:password] password=[redacted:password]',
];

describe('Redactor: secrets told by a name (G7)', () => {
  it.each(named)('%s', (text, redacted) => {
    expect(redact(text)).toBe(redacted);
  });

  it.each(named)('leaves what it has redacted as it is: %s', (_, redacted) => {
    expect(redact(redacted)).toBe(redacted);
  });

  it.each(untouched)('is no secret: %s', (text) => {
    expect(redact(text)).toBe(text);
  });

  it.each(named)('finds the same in one more level of JSON: %s', (text, redacted) => {
    const inJson = JSON.stringify({ text });
    expect(redact(inJson)).toBe(JSON.stringify({ text: redacted }));
  });
});

const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDExampleExampl';
const body = `${line}\n`.repeat(5) + 'c2hvcnQ=\n';
const begin = (label = ''): string => `-----BEGIN ${label}PRIVATE KEY-----\n`;
const end = (label = ''): string => `-----END ${label}PRIVATE KEY-----`;
const KEY = '[redacted:private-key]';

const keys: readonly Row[] = [
  [`a ${begin()}${body}${end()} b`, `a ${KEY} b`],
  [`${begin('RSA ')}Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A\n\n${body}${end('RSA ')}`, KEY],
  [`${begin('OPENSSH ')}${body}${end('OPENSSH ')}\n`, `${KEY}\n`],
  [`-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n${body}=abcd\n-----END PGP PRIVATE KEY BLOCK-----`, KEY],
  [`---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n${body}---- END SSH2 ENCRYPTED PRIVATE KEY ----`, KEY],
  [JSON.stringify({ k: begin() + body + end() }), `{"k":"${KEY}"}`],
  [JSON.stringify({ k: `x\n${begin()}${body}${end()}\n` }), `{"k":"x\\n${KEY}\\n"}`],
  [`+${begin()}${body.replaceAll(/^/gm, '+')}${end()}`, `+${KEY}`],
  [`-${begin()}-${line}\n-${line}\n`, `${KEY}\n`],
  [`key: |\n  ${begin()}  ${line}\n  ${line}\nnext: 1`, `key: |\n  ${KEY}\nnext: 1`],
  [`head of it: ${begin()}${line}\n${line}\nand then prose`, `head of it: ${KEY}\nand then prose`],
  [`${begin()}${line.slice(0, 30)}`, KEY],
  [`tail of it:\n${body}${end()}\nrest`, `tail of it:\n${KEY}${end()}\nrest`],
  [JSON.stringify(`${body}${end()}`), `"${KEY}${end()}"`],
  [`${begin()}${body}${end()}\n${begin()}${body}${end()}`, `${KEY}\n${KEY}`],
  [`${begin()}${body}\n${begin()}${body}${end()}`, `${KEY}\n${KEY}`],
  [
    `Public-Lines: 1\nAAAAB3Nz\nPrivate-Lines: 3\n${line}\n${line}\nAAE=\nPrivate-MAC: 0a1b`,
    `Public-Lines: 1\nAAAAB3Nz\nPrivate-Lines: 3\n${KEY}\nPrivate-MAC: 0a1b`,
  ],
  [`Private-Lines: 14\r\n${line}\r\n${line}`, `Private-Lines: 14\r\n${KEY}`],
  [
    JSON.stringify({ k: `Private-Lines: 1\n${line}\nPrivate-MAC: 0a` }),
    `{"k":"Private-Lines: 1\\n${KEY}\\nPrivate-MAC: 0a"}`,
  ],
];

describe('Redactor: private keys (G7)', () => {
  it.each(keys)('%s', (text, redacted) => {
    const result = redact(text);
    expect(result).not.toContain(line.slice(0, 16));
    expect(result.replaceAll(/\s+/g, ' ')).toBe(redacted.replaceAll(/\s+/g, ' '));
  });
});

describe('Redactor: own patterns', () => {
  it('replaces the whole match by the name of the pattern', () => {
    const own = new Redactor([{ name: 'employee', pattern: String.raw`EMP-\d+` }]);
    const counts = new RedactedCounts();
    expect(own.redact('EMP-1 and EMP-22', 16, counts)).toBe('[redacted:employee] and [redacted:employee]');
    expect(counts.toRecord()).toEqual({ employee: 2 });
  });

  it('goes on behind a pattern that matches nothing, also between the halves of a pair', () => {
    const own = new Redactor([{ name: 'any', pattern: 'z*' }]);
    expect(own.redact('a😀zz😀', 7, new RedactedCounts())).toBe('a😀[redacted:any]😀');
  });

  it('refuses a pattern that is no regular expression', () => {
    expect(() => new Redactor([{ name: 'bad', pattern: '(' }])).toThrow(NikaError);
  });
});
