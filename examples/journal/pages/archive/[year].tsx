import Link from 'next/link';
import type { GetStaticPaths, GetStaticProps } from 'next';

export const getStaticPaths: GetStaticPaths = async () => ({
  paths: [{ params: { year: '2022' } }, { params: { year: '2023' } }],
  fallback: false,
});

export const getStaticProps: GetStaticProps = async ({ params }) => ({ props: { year: params?.year } });

export default function Year({ year }: { year: string }) {
  return (
    <>
      <h1>Walks of {year}</h1>
      <p>Not typed up yet.</p>
      <Link href="/archive">Back to the archive</Link>
    </>
  );
}
