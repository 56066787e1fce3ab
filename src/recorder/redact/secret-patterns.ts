/**
 * Owns the forms of secrets that give themselves away: how a token of a well-known service begins and what follows.
 *
 * S1. Every form is linear: nothing comes after an unbounded repeat, and what may fail fails within a bounded length.
 * S2. Where a form has a group, the group is its last part and the secret; what stands before is context and stays.
 */
export interface SecretForm {
  readonly kind: string;
  /** How it begins, letter for letter; at least two characters. */
  readonly starts: readonly string[];
  /** The whole, from its beginning. */
  readonly source: string;
}

const form = (kind: string, starts: string, source: string): SecretForm => ({
  kind,
  starts: starts.split(' '),
  source,
});

const END = '(?![A-Za-z0-9])';
/** Base64 of "PRIVATE", as it stands at each of the three alignments. */
const PRIVATE_BASE64 = '(?:UFJJVkFUR|BSSVZBVE|QUklWQVRF)';

const CLOUDS: readonly SecretForm[] = [
  form('aws-access-key-id', 'AKIA ASIA ABIA ACCA', `A[A-Z]IA[A-Z0-9]{16}${END}|ACCA[A-Z0-9]{16}${END}`),
  form(
    'aws-secret-key',
    'AKIA ASIA',
    `A[KS]IA[A-Z0-9]{16}${END}[^]{1,80}?(?<![A-Za-z0-9/+])([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])`,
  ),
  form('google-api-key', 'AIza', String.raw`AIza[\w-]{35}`),
  form('google-oauth-token', 'ya29.', String.raw`ya29\.[\w.-]{20,}`),
  form('google-client-secret', 'GOCSPX-', String.raw`GOCSPX-[\w-]{20,}`),
  form('digitalocean-token', 'dop_v1_ doo_v1_ dor_v1_', 'do[opr]_v1_[0-9a-f]{40,}'),
  form('alibaba-key-id', 'LTAI', `LTAI[A-Za-z0-9]{16,24}${END}`),
  form('tencent-key-id', 'AKID', `AKID[A-Za-z0-9]{32}${END}`),
  form('heroku-token', 'HRKU-', String.raw`HRKU-[\w-]{36,}`),
  form('fly-token', 'fm1_ fm1r_ fm2_ fo1_', String.raw`f[mo][12]r?_[\w+/=,-]{40,}`),
  form('netlify-token', 'nfp_', 'nfp_[A-Za-z0-9]{36,}'),
  form('supabase-key', 'sbp_ sb_secret_', String.raw`sbp_[0-9a-f]{40,}|sb_secret_[\w-]{20,}`),
  form('neon-key', 'napi_', 'napi_[a-z0-9]{40,}'),
  form('planetscale-token', 'pscale_', String.raw`pscale_[a-z]{2,8}_[\w.=-]{20,}`),
  form('databricks-token', 'dapi', String.raw`dapi[0-9a-f]{32}(?:-\d{1,2})?`),
  form('tailscale-key', 'tskey-', String.raw`tskey-[\w-]{20,}`),
  form('terraform-token', 'atlasv1.', String.raw`atlasv1\.[\w-]{40,}`),
  form('pulumi-token', 'pul-', 'pul-[0-9a-f]{40}'),
  form('vault-token', 'hvs. hvb. hvr.', String.raw`hv[sbr]\.[\w-]{20,}`),
  form('doppler-token', 'dp.', String.raw`dp\.[a-z]{2,5}\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{32,}`),
  form('onepassword-token', 'ops_eyJ', String.raw`ops_eyJ[\w-]{40,}`),
];

const CODE_HOSTS: readonly SecretForm[] = [
  form('github-token', 'ghp_ gho_ ghu_ ghs_ ghr_', String.raw`gh[pousr]_\w{30,}(?:\.[\w-]{16,}){0,2}`),
  form('github-token', 'github_pat_', String.raw`github_pat_\w{22,}`),
  form(
    'gitlab-token',
    'gl',
    String.raw`gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent|ffct|wt)-[\w-]{20,}(?:\.[\w-]{2,}){0,2}`,
  ),
  form('gitlab-token', 'GR1348941', String.raw`GR1348941[\w-]{20,}`),
  form('npm-token', 'npm_', 'npm_[A-Za-z0-9]{36,}'),
  form('pypi-token', 'pypi-', String.raw`pypi-[\w-]{32,}`),
  form('rubygems-key', 'rubygems_', 'rubygems_[0-9a-f]{48}'),
  form('crates-token', 'cio', `cio[A-Za-z0-9]{32}${END}`),
  form('nuget-key', 'oy2', `oy2[a-z0-9]{43}${END}`),
  form('clojars-token', 'CLOJARS_', 'CLOJARS_[0-9a-z]{60}'),
  form('docker-token', 'dckr_', String.raw`dckr_[po]at_[\w-]{20,}`),
  form('artifactory-key', 'AKCp', 'AKCp[A-Za-z0-9]{60,}'),
  form('circleci-token', 'CCIPAT_', 'CCIPAT_[A-Za-z0-9]{22}_[0-9a-f]{40}'),
  form('buildkite-token', 'bkua_', 'bkua_[0-9a-f]{40}'),
  form('sonar-token', 'sqp_ squ_ sqa_', 'sq[pua]_[0-9a-f]{40}'),
  form('atlassian-token', 'ATATT3 ATCTT3', String.raw`AT[AC]TT3[\w=.-]{20,}`),
  form('linear-key', 'lin_', 'lin_(?:api|oauth)_[A-Za-z0-9]{32,}'),
  form('postman-key', 'PMAK-', 'PMAK-[0-9a-f]{24}-[0-9a-f]{34}'),
];

const MODELS: readonly SecretForm[] = [
  form('anthropic-key', 'sk-ant-', String.raw`sk-ant-[\w-]{20,}`),
  form(
    'openai-key',
    'sk-',
    String.raw`sk-(?!ant-)(?:[A-Za-z0-9]{20,}[\w-]*|(?:proj|svcacct|admin|None|or-v1|lf)-[\w-]{20,}|[a-z][a-z0-9]{1,11}-(?=[A-Za-z_-]{0,20}\d)[\w-]{24,})`,
  ),
  form('huggingface-token', 'hf_ api_org_', '(?:hf|api_org)_[A-Za-z0-9]{30,}'),
  form('groq-key', 'gsk_', 'gsk_[A-Za-z0-9]{40,}'),
  form('replicate-token', 'r8_', 'r8_[A-Za-z0-9]{30,}'),
  form('xai-key', 'xai-', 'xai-[A-Za-z0-9]{60,}'),
  form('perplexity-key', 'pplx-', 'pplx-[A-Za-z0-9]{40,}'),
  form('langsmith-key', 'lsv2_', 'lsv2_[a-z]{2}_[0-9a-f]{32}_[0-9a-f]{10}'),
  form('pinecone-key', 'pcsk_', String.raw`pcsk_\w{40,}`),
  form('elevenlabs-key', 'sk_', `sk_[0-9a-f]{48}${END}`),
  form('tavily-key', 'tvly-', String.raw`tvly-[\w-]{20,}`),
  form('cursor-key', 'key_', 'key_[0-9a-f]{64}'),
  form('e2b-key', 'e2b_', 'e2b_[0-9a-f]{40}'),
];

const SERVICES: readonly SecretForm[] = [
  form('slack-token', 'xox', String.raw`xox[a-z](?:\.xox[a-z])?-[\w-]{10,}`),
  form('slack-token', 'xapp-', String.raw`xapp-[\w-]{20,}`),
  form('stripe-key', 'sk_ rk_', '[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}'),
  form('stripe-webhook-secret', 'whsec_', 'whsec_[A-Za-z0-9+/=]{16,}'),
  form('sendgrid-key', 'SG.', String.raw`SG\.[\w-]{16,}\.[\w-]{16,}`),
  form('twilio-key', 'SK', `SK[0-9a-f]{32}${END}`),
  form('twilio-token', 'AC', `AC[0-9a-f]{32}${END}[^]{1,80}?(?<![A-Za-z0-9])([0-9a-f]{32})${END}`),
  form('mailgun-key', 'key-', `key-[0-9a-f]{32}${END}`),
  form('brevo-key', 'xkeysib-', 'xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}'),
  form('resend-key', 're_', `re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}`),
  // A bot's token begins with the base64 of its number, hence these nine pairs.
  form('discord-token', 'MT Mj Mz MD ND NT Nj Nz OD OT', String.raw`[MNO][\w-]{23,27}\.[\w-]{6,7}\.[\w-]{27,}`),
  form('shopify-token', 'shp', 'shp(?:at|ca|pa|ss|ua|it)_[0-9a-fA-F]{32}'),
  form('square-token', 'sq0', String.raw`sq0[a-z]{3}-[\w-]{22,}`),
  form('notion-token', 'ntn_ secret_', `ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}${END}`),
  form('figma-token', 'figd_', String.raw`figd_[\w-]{20,}`),
  form('airtable-token', 'pat', String.raw`pat[A-Za-z0-9]{14}\.[0-9a-f]{64}`),
  form('newrelic-key', 'NR', String.raw`NR[A-Z]{2}-[\w-]{19,}`),
  form('grafana-token', 'glsa_ glc_', 'glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|glc_[A-Za-z0-9+/=]{32,}'),
  form('sentry-token', 'sntrys_ sntryu_', String.raw`sntry[su]_[\w+/=-]{40,}`),
  form('dynatrace-token', 'dt0', String.raw`dt0[a-z]\d{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}`),
  form('dropbox-token', 'sl.', String.raw`sl\.[\w-]{100,}`),
  form('contentful-token', 'CFPAT-', String.raw`CFPAT-[\w-]{40,}`),
  form('typeform-token', 'tfp_', String.raw`tfp_[\w-]{40,}`),
  form('posthog-key', 'phx_', 'phx_[A-Za-z0-9]{40,}'),
  form('easypost-key', 'EZAK EZTK', 'EZ[AT]K[A-Za-z0-9]{54}'),
  form('prefect-key', 'pnu_ pnb_', 'pn[ub]_[A-Za-z0-9]{36}'),
  form('age-key', 'AGE-SECRET-KEY-', 'AGE-SECRET-KEY-[A-Z0-9]{1,8}[A-Z0-9-]{50,}'),
  form('private-key', 'LS0tLS1CRUdJTi', `LS0tLS1CRUdJTi[A-Za-z0-9+/]{0,40}?${PRIVATE_BASE64}[A-Za-z0-9+/=]*`),
];

export const SECRET_FORMS: readonly SecretForm[] = [...CLOUDS, ...CODE_HOSTS, ...MODELS, ...SERVICES];

export interface SecretUrl {
  readonly kind: string;
  /** From behind `://`; its last group is the secret (S2). */
  readonly source: string;
}

/** Addresses whose path is the secret: whoever knows it may post. */
export const SECRET_URLS: readonly SecretUrl[] = [
  { kind: 'slack-webhook', source: String.raw`hooks\.slack\.com\/(?:services|workflows|triggers)\/([\w/-]{10,})` },
  {
    kind: 'discord-webhook',
    source: String.raw`(?:\w+\.)?discord(?:app)?\.com\/api\/(?:v\d+\/)?webhooks\/([\w/-]{20,})`,
  },
  { kind: 'teams-webhook', source: String.raw`[\w-]{1,63}\.webhook\.office\.com\/([\w/@-]{20,})` },
];
