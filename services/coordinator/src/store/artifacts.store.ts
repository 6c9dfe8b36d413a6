import type { DataSource } from 'typeorm';

/** One artifact and the step that made it. `place` counts along the run's steps, output names and lists. */
export interface ArtifactRow { place: number; stepId: string; agent: string; name: string; artifactId: string; finishedAt: Date }

/** The lineage of a run is in its steps. A fan-out itself is left out: its elements made the artifacts. */
export async function artifactsOf(database: DataSource, runId: string, after: number, limit: number): Promise<ArtifactRow[]> {
  return database.query(
    `SELECT * FROM (
       SELECT row_number() OVER (ORDER BY position, name, n)::integer AS place, steps.id AS "stepId", agent, name, artifact AS "artifactId", finished_at AS "finishedAt"
       FROM steps
       CROSS JOIN LATERAL jsonb_each(outputs::jsonb) AS output (name, value)
       CROSS JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE jsonb_build_array(value) END) WITH ORDINALITY AS list (artifact, n)
       WHERE run_id = $1 AND elements IS NULL AND status = 'succeeded'
     ) AS artifacts WHERE place > $2 ORDER BY place LIMIT $3`, [runId, after, limit]);
}
