// Tells the scenes of the clip apart by their colours alone, without asking the model.

const SAMPLE_EVERY = 60;
/** Shorter runs of one scene are noise. */
const SHORTEST_SCENE = 800;
/** Centres of scenes must lie so many times further apart than pictures do from their centre. */
const SEPARATION = 1.5;
/** A picture belongs to a scene if it is by so much nearer to it than to the second nearest. */
const CLEARLY_NEARER = 0.7;

/** Mean absolute difference of two signatures. */
export function difference(a, b) {
  return a.reduce((sum, value, index) => sum + Math.abs(value - b[index]), 0) / a.length;
}

const nearest = (signature, centres) => {
  const away = centres.map((centre) => difference(signature, centre));
  return away.indexOf(Math.min(...away));
};

/** Index of the scene a signature belongs to, or -1 if that is not clear. */
export function sceneOf(signature, scenes) {
  const away = scenes.map((scene) => difference(signature, scene.signature));
  const [first, second] = [...away].sort((a, b) => a - b);
  return first <= CLEARLY_NEARER * second ? away.indexOf(first) : -1;
}

/** k-means from the farthest-first start; null while the groups are not well apart. */
function cluster(signatures, count) {
  let centres = [signatures[0]];
  while (centres.length < count) {
    const away = signatures.map((each) => Math.min(...centres.map((centre) => difference(each, centre))));
    centres.push(signatures[away.indexOf(Math.max(...away))]);
  }
  let labels = [];
  for (let round = 0; round < 8; round++) {
    labels = signatures.map((signature) => nearest(signature, centres));
    centres = centres.map((centre, index) => {
      const members = signatures.filter((_signature, at) => labels[at] === index);
      if (members.length === 0) return centre;
      return centre.map((_value, cell) => members.reduce((sum, each) => sum + each[cell], 0) / members.length);
    });
  }
  const radii = centres.map((centre, index) => {
    const members = signatures.filter((_signature, at) => labels[at] === index);
    return members.reduce((sum, each) => sum + difference(each, centre), 0) / Math.max(1, members.length);
  });
  const gaps = centres.flatMap((a, at) => centres.slice(at + 1).map((b) => difference(a, b)));
  return Math.min(...gaps) > SEPARATION * Math.max(...radii) ? { centres, labels } : null;
}

const signatureNow = (page) => page.evaluate(() => window.__headwater.sceneSignature());

/**
 * Watches the clip until each of its `count` scenes was seen from beginning to end, and gives them in
 * the order they appeared, each with its mean signature and its duration in milliseconds.
 */
export async function learnScenes(page, count, milliseconds = 120_000) {
  const end = Date.now() + milliseconds;
  const samples = [];
  while (Date.now() < end) {
    for (let sample = 0; sample < 2000 / SAMPLE_EVERY; sample++) {
      samples.push({ signature: await signatureNow(page), at: Date.now() });
      await page.waitForTimeout(SAMPLE_EVERY);
    }
    const found = cluster(
      samples.map(({ signature }) => signature),
      count,
    );
    if (found === null) continue;
    const runs = found.centres.map(() => []);
    const order = [];
    let start = 0;
    for (let at = 1; at < samples.length; at++) {
      const before = found.labels[at - 1];
      if (found.labels[at] === before) continue;
      const duration = samples[at].at - samples[start].at;
      // The first run began before the watch did, so its length says nothing.
      if (start > 0 && duration >= SHORTEST_SCENE) runs[before].push(duration);
      if (!order.includes(before)) order.push(before);
      start = at;
    }
    // One seen twice means that the clip has come round and all of it was seen.
    if (runs.every(({ length }) => length > 0) && runs.some(({ length }) => length > 1)) {
      return order.map((index) => ({ signature: found.centres[index], duration: Math.min(...runs[index]) }));
    }
  }
  throw new Error(`${count} scenes could not be told apart within ${milliseconds} ms`);
}

/** Resolves when the given scene has just begun. */
export async function untilSceneBegins(page, scenes, index, milliseconds = 120_000) {
  const end = Date.now() + milliseconds;
  let before = index;
  while (Date.now() < end) {
    const now = sceneOf(await signatureNow(page), scenes);
    if (now === index && before !== index && before !== -1) return;
    if (now !== -1) before = now;
    await page.waitForTimeout(SAMPLE_EVERY);
  }
  throw new Error(`scene ${index} did not come back within ${milliseconds} ms`);
}
