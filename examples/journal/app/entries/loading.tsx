export default function Loading() {
  return <p>Turning pages…</p>;
}
