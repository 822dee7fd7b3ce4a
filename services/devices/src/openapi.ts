/** What the service says of itself: OpenAPI 3.1, and a page for people. Pure. */
type Schema = Record<string, unknown>;

const DEVICE = {
  name: 'device',
  in: 'path',
  required: true,
  schema: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$' },
};

const json = (schema: Schema): Schema => ({ content: { 'application/json': { schema } } });

const object = (required: string[], properties: Record<string, Schema>): Schema => ({ type: 'object', required, properties });

const CODES: Record<number, string> = {
  400: 'what was sent is wrong; field names the member',
  401: 'no bearer token',
  403: 'a wrong bearer token',
  404: 'no such path, or: nobody listens for this command, and the device does not have it',
  409: 'the device has a certificate already (or none to renew), or another command waits for its answer',
  413: 'too large',
  415: 'another content type than application/json',
  429: 'too fast: send it again after Retry-After seconds',
  502: 'the broker was lost on the way: whether the device has the command nobody knows',
  503: 'not done: send it again after Retry-After seconds',
  504: 'the device did not answer in time, and does not get the command any more',
};

const ERROR = object(['error'], {
  error: { type: 'string' },
  field: { type: 'string' },
  id: { type: 'string', format: 'uuid' },
  outcome: { type: 'string', enum: ['unanswered', 'undelivered', 'failed'] },
});

const COMMAND = object(['topic'], {
  topic: { type: 'string', description: 'behind cmnd/<device>/, such as auto/J1/strike' },
  payload: { description: 'text is sent as it is, anything else as JSON; default: nothing' },
  timeoutSeconds: { type: 'number', minimum: 1, maximum: 60, default: 10 },
});

const ANSWER = object(['id', 'outcome', 'matchedBy', 'recorded'], {
  id: { type: 'string', format: 'uuid' },
  outcome: { const: 'answered' },
  answer: { type: 'string', description: 'what came on stat/<device>/<topic>' },
  answerBase64: { type: 'string', description: 'in its place where it is no text' },
  matchedBy: { enum: ['correlation', 'topic'], description: 'by what it is known to be the answer' },
  recorded: { type: 'boolean', description: 'whether the answer is recorded; the command always is' },
});

const REQUEST = object(['csr'], {
  csr: { type: 'string', description: 'PKCS #10 in PEM, with CN=<device> and nothing else' },
  days: { type: 'integer', minimum: 1, maximum: 825, default: 365 },
  renew: { type: 'boolean', default: false, description: 'the device has a certificate, which stays good until its end' },
});

const CERTIFICATE = object(['device', 'serial', 'notAfter', 'certificate', 'authority'], {
  device: { type: 'string' },
  serial: { type: 'string' },
  notAfter: { type: 'string', format: 'date-time' },
  certificate: { type: 'string', description: 'PEM' },
  authority: { type: 'string', description: 'PEM' },
});

interface Operation {
  path: string;
  method: 'get' | 'post';
  summary: string;
  /** Which tokens are let in. */
  tokens: 'provisioning' | 'commands' | null;
  body?: Schema;
  answer: [code: number, description: string, schema: Schema | null];
}

const OPERATIONS: readonly Operation[] = [
  {
    path: '/devices/{device}/certificates',
    method: 'post',
    summary: 'Signs a certificate for a device by its own request',
    tokens: 'provisioning',
    body: REQUEST,
    answer: [201, 'the certificate', CERTIFICATE],
  },
  {
    path: '/devices/{device}/commands',
    method: 'post',
    summary: 'Sends a command to a device and waits for its answer',
    tokens: 'commands',
    body: COMMAND,
    answer: [200, 'the answer of the device', ANSWER],
  },
  {
    path: '/crl.pem',
    method: 'get',
    summary: 'The newest list of revoked certificates',
    tokens: null,
    answer: [200, 'a CRL in PEM', null],
  },
];

export function openApi(): Schema {
  const failures = Object.fromEntries(
    Object.entries(CODES).map(([code, description]) => [code, { description, ...json({ $ref: '#/components/schemas/Error' }) }]),
  );
  const paths: Record<string, Schema> = {};
  for (const { path, method, summary, tokens, body, answer } of OPERATIONS) {
    const [code, description, schema] = answer;
    paths[path] = {
      [method]: {
        summary,
        ...(path.includes('{device}') ? { parameters: [DEVICE] } : {}),
        ...(tokens === null ? {} : { security: [{ [tokens]: [] }] }),
        ...(body === undefined ? {} : { requestBody: { required: true, ...json(body) } }),
        responses: { [code]: { description, ...(schema === null ? {} : json(schema)) }, ...(tokens === null ? {} : failures) },
      },
    };
  }
  const bearer = { type: 'http', scheme: 'bearer' };
  return {
    openapi: '3.1.0',
    info: { title: 'Millrace: devices', version: '1', description: 'Certificates of devices, and commands to them' },
    paths,
    components: { schemas: { Error: ERROR }, securitySchemes: { provisioning: bearer, commands: bearer } },
  };
}

/** For a browser. */
export function page(): string {
  const rows = OPERATIONS.map(
    ({ path, method, summary, tokens, body }) =>
      `<tr><td><code>${method.toUpperCase()} ${path}</code><td>${summary}<td>${tokens ? `token of ${tokens}` : 'open'}</tr>
${body ? `<tr><td colspan="3"><details><summary>What is sent</summary><pre>${escaped(JSON.stringify(body, null, 2))}</pre></details></tr>` : ''}`,
  );
  const codes = Object.entries(CODES).map(([code, text]) => `<li><code>${code}</code> ${escaped(text)}`);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Millrace: devices</title>
<style>body{font:16px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}td{padding:.3em 1em .3em 0;vertical-align:top}</style>
<h1>Devices: certificates and commands</h1>
<p>Bodies are <code>application/json</code>. <a href="/openapi.json">OpenAPI</a></p>
<table>${rows.join('\n')}</table>
<p>Otherwise:</p><ul>${codes.join('\n')}</ul></html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
