// The login as a user of k6 writes it from its documentation, at a constant arrival rate.
import http from 'k6/http';
import crypto from 'k6/crypto';
import encoding from 'k6/encoding';
import exec from 'k6/execution';
import { sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';

const given = JSON.parse(open(__ENV.BENCHMARK_CASE));
const login = given.login;
const path = `${login.origin}/realms/${login.realm}/protocol/openid-connect`;
const lateness = new Trend('lateness', true);
const logins = new Counter('logins');

const steady = {
  executor: 'constant-arrival-rate',
  rate: Math.round(given.rate * 100),
  timeUnit: '100s',
  duration: `${given.seconds}s`,
  preAllocatedVUs: Math.max(20, Math.ceil(given.rate)),
  maxVUs: 2000,
  gracefulStop: '10s',
};
const waiting = { executor: 'per-vu-iterations', vus: given.waiting, iterations: 1, maxDuration: '1h' };

export const options = {
  scenarios: { logins: given.waiting ? waiting : steady },
  // Every login has a connection of its own, used for its three requests.
  noVUConnectionReuse: true,
  summaryTrendStats: ['med', 'p(99)', 'p(99.9)', 'count'],
};

function query(fields) {
  return Object.entries(fields).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
}

function random(length) {
  return encoding.b64encode(crypto.randomBytes(length), 'rawurl');
}

function action(page) {
  if (__ENV.BENCHMARK_FORM === 'expression') {
    return page.body.match(/<form id="kc-form-login"[^>]* action="([^"]+)"/)[1].replaceAll('&amp;', '&');
  }
  return page.html().find('#kc-form-login').attr('action');
}

export default function () {
  if (given.waiting) {
    sleep(3600);
  }
  const due = exec.scenario.startTime + (exec.scenario.iterationInTest * 1000) / given.rate;
  lateness.add(Math.max(0, Date.now() - due));

  const verifier = random(32);
  const state = random(16);
  const nonce = random(16);
  const page = http.get(`${path}/auth?${query({
    response_type: 'code',
    client_id: login.client_id,
    redirect_uri: login.redirect_uri,
    scope: 'openid',
    state,
    nonce,
    code_challenge: crypto.sha256(verifier, 'base64rawurl'),
    code_challenge_method: 'S256',
  })}`, { tags: { name: 'login_page' } });

  const number = 1 + Math.floor(Math.random() * login.pupils);
  const username = login.username || `elev${String(number).padStart(7, '0')}`;
  const answer = http.post(
    action(page),
    { username, password: login.password, credentialId: '' },
    { redirects: 0, tags: { name: 'password' } },
  );
  const location = answer.headers.Location;
  const found = {};
  for (const pair of location.slice(location.indexOf('?') + 1).split('&')) {
    const [name, value] = pair.split('=');
    found[name] = decodeURIComponent(value);
  }
  if (found.state !== state) {
    throw new Error('wrong state');
  }

  const tokens = http.post(`${path}/token`, {
    grant_type: 'authorization_code',
    code: found.code,
    redirect_uri: login.redirect_uri,
    client_id: login.client_id,
    code_verifier: verifier,
  }, { tags: { name: 'token' } }).json();
  const claims = JSON.parse(encoding.b64decode(tokens.id_token.split('.')[1], 'rawurl', 's'));
  const right = claims.iss === `${login.origin}/realms/${login.realm}`
    && claims.aud === login.client_id
    && claims.nonce === (login.nonce || nonce)
    && claims.preferred_username === username
    && claims.exp > Date.now() / 1000;
  if (!right) {
    throw new Error('wrong token');
  }
  logins.add(1);
}

export function handleSummary(data) {
  return { [__ENV.BENCHMARK_SUMMARY]: JSON.stringify(data.metrics) };
}
