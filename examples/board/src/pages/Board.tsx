import { useState } from 'react';
import { Link } from 'react-router';
import { Dialog } from '../components/Dialog';
import { TaskCard } from '../components/TaskCard';
import { useTasks, type Status, type Task } from '../state/tasks';

const FILTERS: { label: string; status: Status | 'all' }[] = [
  { label: 'All', status: 'all' },
  { label: 'To do', status: 'todo' },
  { label: 'Doing', status: 'doing' },
  { label: 'Done', status: 'done' },
];

export function Board() {
  const { tasks, dispatch } = useTasks();
  const [filter, setFilter] = useState<Status | 'all'>('all');
  const [term, setTerm] = useState('');
  const [removing, setRemoving] = useState<Task | null>(null);

  const shown = tasks
    .filter((task) => filter === 'all' || task.status === filter)
    .filter((task) => task.title.toLowerCase().includes(term.toLowerCase()));

  function remove() {
    if (removing) dispatch({ type: 'remove', id: removing.id });
    setRemoving(null);
  }

  return (
    <>
      <h1>Tasks</h1>
      <p><Link to="/tasks/new">New task</Link></p>
      <div role="group" aria-label="Show">
        {FILTERS.map(({ label, status }) => (
          <button key={status} type="button" aria-pressed={filter === status} onClick={() => setFilter(status)}>{label}</button>
        ))}
      </div>
      <label>
        Find a task
        <input type="search" value={term} onChange={(event) => setTerm(event.target.value)} />
      </label>
      {shown.length === 0 ? <p>No task fits.</p> : (
        <ul className="cards">
          {shown.map((task) => <TaskCard key={task.id} task={task} onRemove={() => setRemoving(task)} />)}
        </ul>
      )}
      {removing && (
        <Dialog title="Remove this task?" onClose={() => setRemoving(null)}>
          <p>{removing.title} will be gone for good.</p>
          <button type="button" onClick={remove}>Remove it</button>
        </Dialog>
      )}
    </>
  );
}
