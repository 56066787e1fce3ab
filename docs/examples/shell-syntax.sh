# The program of the job shell-syntax. By hand it does the same: --if-pod keeps quiet where there is no pod.
code=0
count=0
for script in *.sh; do
  [ -e "$script" ] || continue
  count=$((count + 1))
  if said=$(sh -n "$script" 2>&1); then
    nika report tool syntax --if-pod --input "\"$script\""
  else
    echo "$said"
    nika report tool syntax --if-pod --input "\"$script\"" --error "$said"
    code=1
  fi
done
nika report result --if-pod "{ \"scripts\": $count }"
exit $code
