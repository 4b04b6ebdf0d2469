// Verifies a keyless Sigstore bundle with @sigstore/verify: certificate, CT log, log entry, timestamps, identity, subject.
//
// usage: node sigstore_verify_keyless.mjs BUNDLE TRUSTED_ROOT.json IDENTITY ISSUER SHA256
// exit:  0 verified, 1 refused (the reason is on stderr), 2 usage, or the oracle is not installed
//
// The packages are looked for in target/oracles/node and in NODE_PATH.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const IN_TOTO = 'application/vnd.in-toto+json';

function quit(status, text) {
  console.error(text);
  process.exit(status);
}

const [bundlePath, rootPath, identity, issuer, sha256, ...rest] = process.argv.slice(2);
if (!sha256 || rest.length > 0) {
  quit(2, 'usage: node sigstore_verify_keyless.mjs BUNDLE TRUSTED_ROOT.json IDENTITY ISSUER SHA256');
}

let bundles, verify, specs, files;
try {
  const require = createRequire(new URL('../../../../target/oracles/node/', import.meta.url));
  bundles = require('@sigstore/bundle');
  verify = require('@sigstore/verify');
  specs = require('@sigstore/protobuf-specs');
  files = { bundle: readFileSync(bundlePath, 'utf8'), root: readFileSync(rootPath, 'utf8') };
} catch (error) {
  quit(2, error.message);
}

try {
  const trust = verify.toTrustMaterial(specs.TrustedRoot.fromJSON(JSON.parse(files.root)));
  const bundle = bundles.bundleFromJSON(JSON.parse(files.bundle));
  const escaped = identity.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const policy = { subjectAlternativeName: `^${escaped}$`, extensions: { issuer } };
  const verifier = new verify.Verifier(trust, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
  verifier.verify(verify.toSignedEntity(bundle), policy);
  const envelope = bundle.content.dsseEnvelope;
  if (envelope?.payloadType !== IN_TOTO) {
    throw new Error(`the payload is ${envelope?.payloadType}`);
  }
  const subjects = JSON.parse(envelope.payload.toString('utf8')).subject;
  if (!subjects.some((subject) => subject.digest.sha256 === sha256)) {
    throw new Error('the statement is about something else');
  }
} catch (error) {
  quit(1, `refused: ${error.message}`);
}
